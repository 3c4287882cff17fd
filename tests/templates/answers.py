"""What a run put out, in the form in which both sides are compared: without times, identifiers and addresses."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
BINARY = ("mimeType", "fileName", "fileExtension", "fileType")


def answer_of(status: str, data: Json) -> Json:
    """An execution as it is compared: status, runs of each node, order, error."""
    result = data.get("resultData") or {}
    runs = result.get("runData") or {}
    order = [(run.get("executionIndex", 0), name) for name, every in runs.items() for run in every]
    return {
        "status": status,
        "last": result.get("lastNodeExecuted"),
        "nodes": {name: [_run(run) for run in every] for name, every in runs.items()},
        "order": [name for _, name in sorted(order)],
        "error": _error(result.get("error")),
    }


def _run(run: Json) -> Json:
    outputs = [output or [] for output in (run.get("data") or {}).get("main") or []]
    while outputs and not outputs[-1]:
        outputs.pop()
    return {
        "status": run.get("executionStatus"),
        "error": (_error(run.get("error")) or {}).get("message"),
        "outputs": [[item.get("json") for item in output] for output in outputs],
        "binary": [[_binary(item.get("binary")) for item in output] for output in outputs],
    }


def _binary(binary: Any) -> Json | None:
    if not isinstance(binary, dict) or not binary:
        return None
    return {
        name: {each: file.get(each) for each in BINARY} if isinstance(file, dict) else file
        for name, file in binary.items()
    }


def _error(error: Any) -> Json | None:
    if not isinstance(error, dict):
        return None
    node = error.get("node")
    return {"message": error.get("message"), "node": node.get("name") if isinstance(node, dict) else node}


@dataclass(frozen=True)
class Difference:
    """The first difference of two answers: what differs, at which node, and how."""

    what: str
    node: str | None
    detail: str


class Mask:
    """Hides what no two runs have in common: times near now, uuids, addresses."""

    def __init__(self, now: datetime | None = None) -> None:
        now = now or datetime.now(UTC)
        days = [now + timedelta(days=number) for number in (-1, 0, 1)]
        dates = "|".join(day.strftime("%Y-%m-%d") for day in days)
        words = "|".join(day.strftime(form) for day in days for form in ("%-d %b", "%d %b", "%b %-d", "%b %d"))
        seconds = str(int(now.timestamp()))[:5]
        self._patterns: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
            (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE), "<uuid>"),
            (re.compile(rf"(?:{dates})[T ][\d:.%A]*(?:Z|(?:[+-]|%2B)\d\d(?::|%3A)?\d\d)?"), "<now>"),
            (re.compile(rf"\w{{3}},? (?:{words}),? {now.year}[ \d:]*(?:GMT)?(?:[+-]\d{{4}})?"), "<now>"),
            (re.compile(rf"\b{seconds}\d{{5}}(?:\d{{3}})?(?:\.\d+)?\b"), "<epoch>"),
            (re.compile(r"webhook-waiting/\d+(\?signature=[0-9a-f]+)?"), "<resume>"),
            (re.compile(r"http://(?:localhost|127\.0\.0\.1):(?:5678|8000)"), "<host>"),
        ]

    def hide(self, value: Any) -> str:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        for pattern, word in self._patterns:
            text = pattern.sub(word, text)
        return text

    def equal(self, one: Any, other: Any) -> bool:
        return bool(one == other) or self.hide(one) == self.hide(other)


def first_difference(theirs: Json, ours: Json, mask: Mask) -> Difference | None:
    """Where our answer first departs from the reference's, in the order in which nodes ran; None: they are equal."""
    if "refused" in (theirs["status"], ours["status"]):
        if theirs["status"] == ours["status"]:
            return None
        return Difference("start", None, f"{_end(theirs)} | {_end(ours)}")
    for name in dict.fromkeys([*theirs["order"], *ours["order"]]):
        found = runs_difference(theirs["nodes"].get(name), ours["nodes"].get(name), mask)
        if found:
            return Difference(found[0], name, found[1])
    if theirs["status"] != ours["status"]:
        return Difference("status", None, f"{_end(theirs)} | {_end(ours)}")
    for what in ("error", "order", "last"):
        if not mask.equal(theirs[what], ours[what]):
            return Difference(what, None, where(theirs[what], ours[what], mask))
    return None


def runs_difference(theirs: list[Json] | None, ours: list[Json] | None, mask: Mask) -> tuple[str, str] | None:
    """What differs in the runs of one node, and how."""
    if theirs is None or ours is None:
        return None if theirs is ours else ("runs", f"{len(theirs or [])} | {len(ours or [])}")
    for one, other in zip(theirs, ours, strict=False):
        for what in ("status", "error", "outputs", "binary"):
            if not mask.equal(one[what], other[what]):
                detail = where(one[what], other[what], mask)
                return what, f"{one['error']} | {other['error']}" if what == "status" else detail
    return ("runs", f"{len(theirs)} | {len(ours)}") if len(theirs) != len(ours) else None


def where(one: Any, other: Any, mask: Mask, path: str = "") -> str:
    """The path to the first difference of two values, with both sides: theirs | ours."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            if name not in one or name not in other or not mask.equal(one[name], other[name]):
                if name not in one or name not in other:
                    return f"{path}.{name}: {_short(one.get(name, '(absent)'))} | {_short(other.get(name, '(absent)'))}"
                return where(one[name], other[name], mask, f"{path}.{name}")
    if isinstance(one, list) and isinstance(other, list):
        for place, (each, beside) in enumerate(zip(one, other, strict=False)):
            if not mask.equal(each, beside):
                return where(each, beside, mask, f"{path}[{place}]")
        return f"{path}: {len(one)} | {len(other)} long"
    return f"{path}: {_short(one)} | {_short(other)}"


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:240]


def _end(answer: Json) -> str:
    error = answer.get("error") or {}
    return f"{answer['status']} ({error.get('node')}: {error.get('message')})"
