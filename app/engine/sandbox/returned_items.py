"""Turns what a program returned, as JSON has it, into n8n's items, or says in n8n's words what is wrong with it."""

from __future__ import annotations

from typing import Any

from app.engine.sandbox.errors import CodeError

Json = dict[str, Any]
KNOWN = ("json", "binary", "pairedItem", "error", "index")
"""The keys that an item may have."""


def items_of_all(answer: Json) -> list[Json]:
    """The items of a program that ran once for all items: `returned` of its answer. Raises CodeError."""
    if "returned" not in answer:
        raise _no_items()
    returned = answer["returned"]
    if isinstance(returned, dict):
        json = returned.get("json")
        return with_json(_require_objects([returned if json or isinstance(json, dict | list) else {"json": returned}]))
    if returned is None:  # NaN or an infinity
        raise CodeError("Cannot read properties of null (reading 'json')", malformed=True)
    if not isinstance(returned, list) or not all(isinstance(entry, dict) for entry in returned):
        raise _no_items()
    if any(not entry.keys().isdisjoint(KNOWN) for entry in returned):
        for index, entry in enumerate(returned):
            _check_keys(entry, index)
        _require_objects(returned)
    return with_json(returned)


def items_of_each(answer: Json) -> list[Json]:
    """The items of a program that ran for each item: `entries` of its answer. Raises CodeError."""
    entries = answer.get("entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _no_items()
    return with_json(_require_objects(entries))


def _require_objects(entries: list[Json]) -> list[Json]:
    for index, entry in enumerate(entries):
        for name in ("json", "binary"):
            if name in entry and not isinstance(entry[name], dict):
                raise CodeError(
                    f"A '{name}' property isn't an object [item {index}]",
                    description=f"In the returned data, every key named '{name}' must point to an object.",
                    item_index=index,
                    malformed=True,
                )
    return entries


def _check_keys(entry: Json, index: int) -> None:
    unknown = next((key for key in entry if key not in KNOWN), None)
    if unknown is None:
        return
    reserved = next((key for key in KNOWN if key in entry), None)
    if reserved is None:
        message = f"Unknown top-level item key: {unknown}"
        description = "Access the properties of an item under `.json`, e.g. `item.json`"
    else:
        message = "Invalid output format"
        description = (
            f"An output item contains the reserved key <code>{reserved}</code>. To get around this, please wrap each "
            "item in an object, under a key called <code>json</code>. "
            '<a href="https://docs.n8n.io/data/data-structure/#data-structure" target="_blank">Example</a>'
        )
    raise CodeError(f"{message} [item {index}]", description=description, item_index=index, malformed=True)


def with_json(entries: list[Json]) -> list[Json]:
    """The entries as items, where all of them say it in the same way: with `json`, with `binary` only, or bare."""
    having_json = sum("json" in entry for entry in entries)
    if having_json == len(entries):
        return [_showing_error(entry) for entry in entries]
    having_binary = sum("binary" in entry for entry in entries)
    if having_json or having_binary not in (0, len(entries)):
        raise CodeError("Inconsistent item format", malformed=True)
    if having_binary:
        return [{"json": _omit(entry, "binary"), "binary": entry["binary"]} for entry in entries]
    return [{"json": entry} for entry in entries]


def _showing_error(item: Json) -> Json:
    """An item that brings an error is shown as that error."""
    if "error" not in item:
        return item
    error = item["error"]
    if error is None:
        return _omit(item, "error")
    message = error.get("message") if isinstance(error, dict) else None
    return {**item, "json": {} if message is None else {"error": message}}


def _omit(entry: Json, name: str) -> Json:
    return {key: value for key, value in entry.items() if key != name}


def _no_items() -> CodeError:
    return CodeError(
        "Code doesn't return items properly",
        description="Please return an array of objects, one for each item you would like to output.",
        malformed=True,
    )
