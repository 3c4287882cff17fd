"""Remove Duplicates: keeps of several equal items the first, or those that no earlier execution has seen."""

import math
import time
from collections.abc import Callable, Iterator
from functools import cmp_to_key, partial
from typing import Any

from app.engine.nodes.remove_duplicates.seen_items import CLEAR, NEW_VALUE, SEEN, clear_history, new_items
from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import POINTER
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import comparisons, conversions, paths
from app.engine.values.equality import identity

ISSUES = rules(
    Required("dedupeValue", "Value to Dedupe On", when={"logic": [NEW_VALUE], "operation": [SEEN]}, since=2),
    defaults={"logic": NEW_VALUE},
)
CURRENT = "removeDuplicateInputItems"
DOTS_ARE_OFF = (
    "If you're trying to use a nested field, make sure you turn off 'disable dot notation' in the node options"
)


@node("removeDuplicates", [1, 1.1, 2], issues=ISSUES, plain=["logic", "operation"], exact=True)
async def remove_duplicates(context: NodeContext) -> Outputs:
    operation = context.parameters.get("operation") if context.version >= 2 else None
    try:
        if operation == SEEN:
            return await new_items(context)
        if operation == CLEAR:
            return await clear_history(context)
        if operation not in (None, CURRENT):
            shown = conversions.display(operation)
            raise NodeError(f"The operation '{shown}' of Remove Duplicates is not supported.")
        parameters = await context.resolve_first(context.parameters, parameter="compare")
        drop = partial(drop_duplicates, hold=context.hold)
        return [
            await compute(drop, context.items, parameters, context.version, size=count_steps(context.items, parameters))
        ]
    except NodeError as error:
        if context.version < 2 or not context.continues_on_fail:
            raise
        return [[_error_item(error)]]


def _error_item(error: NodeError) -> Item:
    """The item that stands for all of them, with the error as n8n writes it into an item."""
    described = {} if error.description is None else {"description": error.description}
    written = {
        "message": error.message,
        "timestamp": int(time.time() * 1000),
        "name": "NodeOperationError",
        **described,
        "context": error.context,
        "cause": {"name": "Error", "message": error.message},
    }
    return {"json": {"error": error.message}, "error": written}


def drop_duplicates(
    items: list[Item],
    parameters: dict[str, Any],
    version: float,
    *,
    hold: Callable[[int], None],
    any_type: bool = False,
) -> list[Item]:
    """The items that no earlier one equals in the fields to compare; `hold` hears of the bytes that comparing takes.

    Raises NodeError for a field that is missing from some items or, except with `any_type`, not always of one type.
    """
    options = as_group(parameters.get("options"))
    dots = not options.get("disableDotNotation")
    compare = parameters.get("compare", "allFields")
    if compare == "allFields":
        dots = True
    names = _compared_fields(items, parameters, compare, dots, hold)
    _check_fields(items, names, dots, version, any_type)
    seen: set[Any] = set()
    unique: list[Item] = []
    for item in items:
        key = tuple(identity(paths.get(item["json"], name, dots=dots)) for name in names)
        if key not in seen:
            hold(POINTER * len(names))
            seen.add(key)
            unique.append(item)
    if compare == "allFields" or not options.get("removeOtherFields"):
        return unique
    return [_only(item, names, dots) for item in unique]


def _compared_fields(
    items: list[Item], parameters: dict[str, Any], compare: str, dots: bool, hold: Callable[[int], None]
) -> list[str]:
    if compare == "selectedFields":
        names = split_names(parameters.get("fieldsToCompare", ""), "Fields To Compare")
        if not names:
            raise NodeError("No fields specified. Please add a field to compare on")
        return names
    every: dict[str, None] = {}
    # As in n8n, which finds what is not excluded in the first item, unless dots are parts of names.
    for item in items[:1] if dots and compare == "allFieldsExcept" else items:
        for name in _leaves(item["json"]) if dots else item["json"]:
            if name not in every:
                hold(len(name))
                every[name] = None
    if compare == "allFieldsExcept":
        excluded = split_names(parameters.get("fieldsToExclude", ""), "Fields To Exclude")
        if not excluded:
            raise NodeError("No fields specified. Please add a field to exclude from comparison")
        return [name for name in every if name not in excluded]
    return list(every)


def _leaves(value: Any, prefix: str = "") -> Iterator[str]:
    """The paths of everything in an object that is not itself an object or array; empty ones have none."""
    for name, each in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(each, dict | list):
            yield from _leaves(each, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _check_fields(items: list[Item], names: list[str], dots: bool, version: float, any_type: bool) -> None:
    """Every item must have every field, and a field the same type everywhere unless any will do. Raises NodeError."""
    for name in names:
        values = [paths.get(item["json"], name, paths.MISSING, dots=dots) for item in items]
        kinds = {_kind(value, version) for value in values if value is not paths.MISSING} - {None}
        missing = any(value is paths.MISSING for value in values)
        if missing and any_type:
            raise _missing(name, dots)
        if missing or (len(kinds) > 1 and not any_type):
            raise _first_problem(name, [values[place] for place in _sorted_places(items, names, dots)], version, dots)


def _kind(value: Any, version: float) -> str | None:
    """The type that a value has to share with others; None: null, which in version 1 alone is an object."""
    return None if value is None and version > 1 else conversions.type_name(value)


def _sorted_places(items: list[Item], names: list[str], dots: bool) -> list[int]:
    """The order in which n8n looks at the items, which decides what it complains of."""
    rows = [[paths.get(item["json"], name, math.nan, dots=dots) for name in names] for item in items]

    def compare(one: int, other: int) -> int:
        for left, right in zip(rows[one], rows[other], strict=True):
            if left is not right and not comparisons.deep_equal(left, right):
                return -1 if comparisons.sorts_before(left, right) else 1
        return 0

    return sorted(range(len(items)), key=cmp_to_key(compare))


def _missing(name: str, dots: bool) -> NodeError:
    nested = "." in name and not dots
    return NodeError(f"'{name}' field is missing from some input items", description=DOTS_ARE_OFF if nested else None)


def _first_problem(name: str, values: list[Any], version: float, dots: bool) -> NodeError:
    known: str | None = None
    for place, value in enumerate(values):
        if value is paths.MISSING:
            return _missing(name, dots)
        kind = _kind(value, version)
        if known is not None and kind is not None and kind != known:
            where = f", in item [{place - 1}] it's a {known} and in item [{place}] it's a {kind} "
            description = "The type of this field varies between items" + (where if version > 1 else "")
            return NodeError(f"'{name}' isn't always the same type", description=description)
        known = kind or known
    raise AssertionError("called only for a field with a problem")


def _only(item: Item, names: list[str], dots: bool) -> Item:
    json: dict[str, Any] = {}
    for name in names:
        paths.put(json, name, paths.get(item["json"], name, dots=dots), dots=dots)
    return {**item, "json": json}
