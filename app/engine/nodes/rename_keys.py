"""Rename Keys: gives fields other names, one by one or by a pattern."""

from typing import Any

from app.engine.nodes.shared.failed_items import failed_item
from app.engine.run.computing import compute, count_work, slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.programs import evaluate_javascript
from app.engine.run.registry import node
from app.engine.values import conversions, paths

REPLACE = (
    "={{ (({ name, pattern, flags, by }) => { try { return [name.replace(new RegExp(pattern, flags), by)]; } "
    "catch (error) { return String(error.message); } })($json) }}"
)


@node("renameKeys", [1], groups=["keys", "additionalOptions"])
async def rename_keys(context: NodeContext) -> Outputs:
    output: list[Item] = []
    wanted = {
        "keys": (context.parameters.get("keys") or {}).get("key") or [],
        "options": context.parameters.get("additionalOptions") or {},
    }
    for index, asked in enumerate(await context.resolve_each(wanted, parameter="keys")):
        await yield_to_loop()
        try:
            output.append(await _rename_all(context, context.items[index], asked))
        except NodeError as error:
            output.append(failed_item(context, error, index))
    return [output]


async def _rename_all(context: NodeContext, item: Item, asked: Any) -> Item:
    """The item with its fields renamed. Raises NodeError."""
    if isinstance(asked, NodeError):
        raise asked
    json = dict(item["json"])
    for entry in asked["keys"]:
        if slice_is_over():  # each may copy what is around the field
            await yield_to_loop()
        current, new = (conversions.to_string(entry.get(key) or "") for key in ("currentKey", "newKey"))
        _rename(context, item["json"], json, current, new)
    for entry in (as_group(asked["options"]).get("regexReplacement") or {}).get("replacements") or []:
        json = await _rename_by_pattern(context, json, entry)
    return {**item, "json": json}


def _rename(context: NodeContext, given: dict[str, Any], json: dict[str, Any], current: str, new: str) -> None:
    """Move what was given under one name to another, whatever earlier renaming did to it."""
    value = paths.get(given, current, paths.MISSING)
    if not current or not new or current == new or value is paths.MISSING:
        return
    paths.put(json, new, value, hold=context.hold)
    paths.remove(json, current)


async def _rename_by_pattern(context: NodeContext, json: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    options = as_group(entry.get("options"))
    depth = options.get("depth", -1)
    size = count_work([json])
    names = await compute(lambda: sorted(_names(json, depth)), size=size)
    rule = {
        "pattern": entry.get("searchRegex") or "",
        "flags": "i" if options.get("caseInsensitive") else "",
        "by": entry.get("replaceRegex") or "",
    }
    answers = await evaluate_javascript(context, REPLACE, [{"name": name, **rule} for name in names])
    for answer in answers:
        if not isinstance(answer, list):
            raise NodeError(str(answer), anonymous=True)
    new_names = {name: new[0] for name, new in zip(names, answers, strict=True)}
    renamed: dict[str, Any] = await compute(_rename_deep, json, new_names, depth, size=size)
    return renamed


def _names(value: Any, depth: int) -> set[str]:
    """The names of all fields down to `depth` levels below; -1 is without end."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    names = set(value) if isinstance(value, dict) else set()
    if depth != 0:
        names.update(name for child in children for name in _names(child, depth - 1))
    return names


def _rename_deep(value: Any, new_names: dict[str, str], depth: int) -> Any:
    if isinstance(value, list):
        return value if depth == 0 else [_rename_deep(each, new_names, depth - 1) for each in value]
    if not isinstance(value, dict):
        return value
    unchanged: dict[str, Any] = {}
    moved: dict[str, Any] = {}
    for name, each in value.items():
        new = new_names[name]
        (unchanged if new == name else moved)[new] = each if depth == 0 else _rename_deep(each, new_names, depth - 1)
    return {**unchanged, **moved}
