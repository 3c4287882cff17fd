"""Where two answers to the same workflow first depart from each other."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

Json = dict[str, Any]
ABSENT = "(absent)"
CONTEXT = 40
"""How many characters of a text are shown before the first that differs."""
COMPARED = ("status", "error", "outputs", "binary")


@dataclass(frozen=True)
class Difference:
    """The first difference of two answers: what differs, at which node, where in it, and both sides."""

    what: str
    node: str | None
    path: str
    theirs: Any
    ours: Any

    @property
    def detail(self) -> str:
        """Where it is and what both sides have there: the reference's | ours."""
        theirs, ours = self.theirs, self.ours
        if isinstance(theirs, str) and isinstance(ours, str):
            alike = max(0, _alike(theirs, ours) - CONTEXT)
            theirs, ours = ("…" * (alike > 0) + each[alike:] for each in (theirs, ours))
        return f"{self.path}: {_short(theirs)} | {_short(ours)}"


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
            (re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+"), "<host>"),
        ]

    def hide(self, value: Any) -> str:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        for pattern, word in self._patterns:
            text = pattern.sub(word, text)
        return text

    def equal(self, one: Any, other: Any) -> bool:
        return json.dumps(one) == json.dumps(other) or self.hide(one) == self.hide(other)


def first_difference(theirs: Json, ours: Json, mask: Mask) -> Difference | None:
    """Where our answer first departs from the reference's, in the order in which nodes ran; None: they are equal."""
    if "refused" in (theirs["status"], ours["status"]):
        return None if theirs["status"] == ours["status"] else Difference("start", None, "", _end(theirs), _end(ours))
    ran: Counter[str] = Counter()
    for name in theirs["order"]:
        found = _run_difference(name, ran[name], theirs, ours, mask)
        if found:
            return found
        ran[name] += 1
    for name in dict.fromkeys(ours["order"]):
        found = runs_difference(name, theirs, ours, mask)
        if found:
            return found
    if theirs["status"] != ours["status"]:
        return Difference("status", None, "", _end(theirs), _end(ours))
    for what in ("error", "order", "last"):
        if not mask.equal(theirs[what], ours[what]):
            return Difference(what, None, *_where(theirs[what], ours[what], mask))
    return None


def runs_difference(name: str, theirs: Json, ours: Json, mask: Mask) -> Difference | None:
    """What differs in the runs of one node."""
    for run in range(max(len(each["nodes"].get(name, [])) for each in (theirs, ours))):
        found = _run_difference(name, run, theirs, ours, mask)
        if found:
            return found
    return None


def _run_difference(name: str, run: int, theirs: Json, ours: Json, mask: Mask) -> Difference | None:
    """What differs in a node's run of that number; that one of them has no such run is a difference, too."""
    every, others = theirs["nodes"].get(name, []), ours["nodes"].get(name, [])
    if run >= min(len(every), len(others)):
        return Difference("runs", name, "", len(every), len(others))
    one, other = every[run], others[run]
    for what in COMPARED:
        if not mask.equal(one[what], other[what]):
            # Why one of them has failed tells more than that it has.
            said = "error" if what == "status" else what
            return Difference(what, name, *_where(one[said], other[said], mask))
    return None


def _where(one: Any, other: Any, mask: Mask, path: str = "") -> tuple[str, Any, Any]:
    """The path to the first difference of two values, and both sides there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            if name not in one or name not in other:
                return f"{path}.{name}", one.get(name, ABSENT), other.get(name, ABSENT)
            if not mask.equal(one[name], other[name]):
                return _where(one[name], other[name], mask, f"{path}.{name}")
    if isinstance(one, list) and isinstance(other, list):
        for place, (each, beside) in enumerate(zip(one, other, strict=False)):
            if not mask.equal(each, beside):
                return _where(each, beside, mask, f"{path}[{place}]")
        return f"{path}.length", len(one), len(other)
    return path, one, other


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common from their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:240]


def _end(answer: Json) -> str:
    error = answer.get("error") or {}
    return f"{answer['status']} ({error.get('node')}: {error.get('message')})"
