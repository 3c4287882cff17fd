"""Validates what a sandbox process answers. The program ran in the same process as the code that wrote the answer,
and may have changed it, so all that the worker takes over is checked again here: kinds, shapes and sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from app import json_sizes, large_json
from app.engine.sandbox.errors import MEMORY_SETTING, CodeError, ExpressionError, SandboxError
from app.engine.sandbox.returned_items import items_of_all, items_of_each

MAX_ENTRIES, MAX_KEY_LENGTH, MAX_VALUE_LENGTH = 10, 50, 512
"""Of custom data, as in n8n."""
MAX_LINES, MAX_LINE_LENGTH = 1000, 10_000
MAX_VALUES = 4_000_000
"""In one answer: an empty array takes two bytes there, and 56 once it is read."""
NO_BUFFER = "Array buffer allocation failed"
"""What V8 throws where bytes outside of its heap find no memory."""
NOT_JSON = frozenset({"undefined", "NaN", "Infinity", "-Infinity"})


def document(answer: bytes, admit: Callable[[bytes], None] = lambda answer: None) -> dict[str, Any]:
    """The answer as a JSON object. Raises SandboxError for what is none, or is nested too deeply, and what `admit`
    raises for an answer that is not to be read."""
    admit(answer)
    if len(answer) > MAX_VALUES and _count_values(answer) > MAX_VALUES and _outside_of_strings(answer) > MAX_VALUES:
        raise SandboxError(f"The JavaScript gave more than {MAX_VALUES:,} values at once; no setting changes this")
    try:
        value = large_json.read(answer)
    except orjson.JSONDecodeError as error:
        raise SandboxError(f"The JavaScript gave a value that cannot be kept: {error}") from error
    return value if isinstance(value, dict) else {}


def _outside_of_strings(answer: bytes) -> int:
    """How many values begin in JSON, but for those that only stand in its strings."""
    return sum(map(_count_values, json_sizes.outside_of_strings(answer)))


def _count_values(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def custom_data(answer: dict[str, Any]) -> dict[str, str] | None:
    """The execution's custom data within its bounds; None when the program has not changed it."""
    given = answer.get("customData")
    if not isinstance(given, dict):
        return None
    texts: dict[str, str] = {}
    for key, value in given.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        if key and isinstance(value, str | int | float) and len(texts) < MAX_ENTRIES:
            texts[key[:MAX_KEY_LENGTH]] = str(value)[:MAX_VALUE_LENGTH]
    return texts


def static_data(answer: dict[str, Any]) -> dict[str, Any] | None:
    """{"global": {...}, "node": {...}}; None when the program has not asked for it. Raises SandboxError."""
    given = answer.get("staticData")
    if not isinstance(given, dict):
        return None
    parts = {scope: part for scope in ("global", "node") if isinstance(part := given.get(scope), dict)}
    try:
        orjson.dumps(parts)
    except TypeError as error:
        raise SandboxError(f"The JavaScript left static data that cannot be kept: {error}") from error
    return parts


def rows(answer: dict[str, Any], items: int, templates: int) -> list[list[Any]]:
    """The values of all templates for each item. Raises ExpressionError as the answer says, SandboxError."""
    error = answer.get("error")
    if error is not None:
        raise expression_error(error)
    results = answer.get("results")
    if not isinstance(results, list) or len(results) != items:
        raise SandboxError("The JavaScript gave no values")
    if not all(isinstance(row, list) and len(row) == templates for row in results):
        raise SandboxError("The JavaScript gave no values")
    return results


def exact(answer: dict[str, Any], items: int, templates: int) -> list[list[Any]]:
    """The places of what JSON could not hold: [item, template, what it is, the error that it stands for if any]."""
    given = answer.get("exact")
    return [place for place in given if _is_place(place, items, templates)] if isinstance(given, list) else []


def failures(answer: dict[str, Any], items: int, templates: int) -> list[tuple[int, int, Exception]]:
    """What failed where: (item, template, error)."""
    given = answer.get("failed")
    checked_failures = []
    for place in given if isinstance(given, list) else []:
        row, column, said = place if isinstance(place, list) and len(place) == 3 else (None, None, None)
        at, which = _index(row), _index(column)
        if at is not None and which is not None and at < items and which < templates:
            checked_failures.append((at, which, expression_error(said)))
    return checked_failures


def items_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The items that a program returned. Raises CodeError."""
    error = answer.get("error")
    if isinstance(error, dict):
        raise code_error(error)
    given = items_of_each(answer) if "entries" in answer else items_of_all(answer)
    return [item if len(item) == 1 else _keep_known_fields(item) for item in given]


def console(answer: dict[str, Any]) -> list[str]:
    """The lines that a program has written."""
    lines = answer.get("console")
    if not isinstance(lines, list):
        return []
    return [line[:MAX_LINE_LENGTH] for line in lines[:MAX_LINES] if isinstance(line, str)]


def expression_error(error: Any) -> Exception:
    """The exception that an answer about expressions speaks of."""
    if not isinstance(error, dict):
        return ExpressionError("Unknown error")
    message = _text(error.get("message")) or "Unknown error"
    if error.get("kind") == "too_large":
        return SandboxError(message)
    return ExpressionError(
        message,
        description=_text(error.get("description")),
        item_index=_index(error.get("itemIndex")),
        kind=_text(error.get("kind")),
        node_name=_text(error.get("nodeName")),
    )


def code_error(error: dict[str, Any]) -> Exception:
    """The exception that an answer about a program speaks of."""
    message = _text(error.get("message"))
    if message is None:
        message = "Unknown error"
    if error.get("kind") == "too_large":
        return SandboxError(message)
    if message.startswith(NO_BUFFER):
        message = f"{NO_BUFFER}: {MEMORY_SETTING} sets how much memory JavaScript may use{message[len(NO_BUFFER) :]}"
    return CodeError(
        message,
        description=_text(error.get("description")),
        line=_index(error.get("line")),
        item_index=_index(error.get("itemIndex")),
        name=_text(error.get("name")),
        malformed=error.get("malformed") is True,
        is_thrown=True,
    )


def _is_place(place: Any, items: int, templates: int) -> bool:
    if not isinstance(place, list) or len(place) not in (3, 4):
        return False
    row, column, kind, *thrown = place
    within = _index(row) is not None and row < items and _index(column) is not None and column < templates
    return within and _text(kind) in NOT_JSON and all(isinstance(message, str) for message in thrown)


def _keep_known_fields(item: dict[str, Any]) -> dict[str, Any]:
    """What nodes know of an item, where it is what they take it for."""
    if len(item) == 2 and _is_plain_pairing(item.get("pairedItem")):
        return item
    fields: dict[str, Any] = {name: item[name] for name in ("json", "error", "index") if name in item}
    binary = item.get("binary")
    if isinstance(binary, dict):
        fields["binary"] = {name: file for name, file in binary.items() if isinstance(file, dict)}
    pairing = item.get("pairedItem")
    if _is_pairing(pairing) or (isinstance(pairing, list) and all(_is_pairing(each) for each in pairing)):
        fields["pairedItem"] = pairing
    return fields


def _is_plain_pairing(value: Any) -> bool:
    """Whether it is {"item": place} and nothing else, as of most items."""
    return isinstance(value, dict) and len(value) == 1 and _index(value.get("item")) is not None


def _is_pairing(value: Any) -> bool:
    """Whether it says from which item another came: its place, or {"item": place, "input": number}."""
    if not isinstance(value, dict):
        return _index(value) is not None
    if not all(_index(value.get(name, 0)) is not None for name in ("item", "input")):
        return False
    source = value.get("sourceOverwrite")
    return source is None or (
        isinstance(source, dict)
        and isinstance(source.get("previousNode"), str)
        and all(_index(source.get(name, 0)) is not None for name in ("previousNodeOutput", "previousNodeRun"))
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _index(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
