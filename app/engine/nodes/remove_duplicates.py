"""Remove Duplicates: keeps of several equal items the first."""

from collections.abc import Iterator
from typing import Any

from app.engine import conversions, matching, paths
from app.engine.context import NodeContext
from app.engine.errors import NodeError
from app.engine.parameters import listed
from app.engine.registry import Item, Outputs, node


@node("removeDuplicates", [1, 1.1, 2])
async def remove_duplicates(context: NodeContext) -> Outputs:
    parameters = await context.resolve_first(context.parameters, parameter="compare")
    operation = parameters.get("operation", "removeDuplicateInputItems")
    if operation != "removeDuplicateInputItems":
        raise NodeError(f"The Remove Duplicates node's operation '{operation}' is not supported.")
    try:
        return [without_duplicates(context.items, parameters, context.version)]
    except NodeError as error:
        if context.version < 2 or not context.continues_on_fail:
            raise
        return [[{"json": {"error": error.message}}]]


def without_duplicates(items: list[Item], parameters: dict[str, Any], version: float) -> list[Item]:
    """The items that no earlier one equals in the fields to compare. Raises NodeError."""
    options = parameters.get("options") or {}
    dots = not options.get("disableDotNotation")
    compare = parameters.get("compare", "allFields")
    if compare == "allFields":
        dots = True
    names = _compared(items, parameters, compare, dots)
    _check_fields(items, names, dots, version)
    seen: set[Any] = set()
    kept: list[Item] = []
    for item in items:
        key = tuple(matching.identity(paths.get(item["json"], name, dots=dots)) for name in names)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    if compare == "allFields" or not options.get("removeOtherFields"):
        return kept
    return [_only(item, names, dots) for item in kept]


def _compared(items: list[Item], parameters: dict[str, Any], compare: str, dots: bool) -> list[str]:
    if compare == "selectedFields":
        names = listed(parameters.get("fieldsToCompare", ""))
        if not names:
            raise NodeError("No fields specified. Please add a field to compare on")
        return names
    every = list(dict.fromkeys(name for item in items for name in (_leaves(item["json"]) if dots else item["json"])))
    if compare == "allFieldsExcept":
        excluded = listed(parameters.get("fieldsToExclude", ""))
        if not excluded:
            raise NodeError("No fields specified. Please add a field to exclude from comparison")
        return [name for name in every if name not in excluded]
    return every


def _leaves(value: Any, prefix: str = "") -> Iterator[str]:
    """The paths of everything in an object that is not itself an object or array with content."""
    for name, each in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(each, dict | list) and each:
            yield from _leaves(each, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _check_fields(items: list[Item], names: list[str], dots: bool, version: float) -> None:
    """Every item must have every field, and a field the same type everywhere."""
    for name in names:
        values = [paths.get(item["json"], name, paths.MISSING, dots=dots) for item in items]
        if any(value is paths.MISSING for value in values):
            raise NodeError(f"'{name}' field is missing from some input items")
        first: tuple[int, str] | None = None
        for index, value in enumerate(values):
            if value is None:
                continue
            kind = conversions.type_name(value)
            if first is None:
                first = (index, kind)
            elif first[1] != kind:
                where = f", in item [{first[0]}] it's a {first[1]} and in item [{index}] it's a {kind} "
                description = "The type of this field varies between items" + (where if version > 1 else "")
                raise NodeError(f"'{name}' isn't always the same type", description=description)


def _only(item: Item, names: list[str], dots: bool) -> Item:
    json: dict[str, Any] = {}
    for name in names:
        paths.put(json, name, paths.get(item["json"], name, dots=dots), dots=dots)
    return {**item, "json": json}
