"""Set, versions 1 and 2: fields in a list a type."""

import math
from typing import Any

from app.engine.run.computing import slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions, paths
from app.notation import is_expression

EMPTY = {"boolean": False, "number": 0, "string": ""}
"""The types in the order in which their fields are made, each with the value of a field that has none."""


@node("set", [1, 2], exact=True, groups=["assignments", "fields", "values"])
async def set_v1(context: NodeContext) -> Outputs:
    parameters = context.parameters
    wanted = {
        "values": _without_null_names(parameters.get("values") or {}),
        "only": parameters.get("keepOnlySet", False),
        "options": parameters.get("options") or {},
    }
    output: list[Item] = []
    resolved = await context.resolve(wanted, parameter="values")
    undefined = await _find_undefined(context, wanted["values"], resolved)
    nameless = await _find_undefined(context, wanted["values"], resolved, "name")
    for index, asked in enumerate(resolved):
        await yield_to_loop()
        item = context.items[index]
        json: dict[str, Any] = {} if asked["only"] else dict(item["json"])
        dots = as_group(asked["options"]).get("dotNotation", True) is not False
        for kind, empty in EMPTY.items():
            for place, field in enumerate(asked["values"].get(kind) or []):
                if slice_is_over():  # each may copy what is around the field
                    await yield_to_loop()
                given = "undefined" if (index, kind, place) in nameless else field.get("name", "propertyName")
                name = _field_name(given, dots)
                if name is None:
                    continue
                value = _convert(field.get("value", empty), kind, context.version)
                paths.put(json, name, value, dots=dots, hold=context.hold)
                if (index, kind, place) in undefined and kind != "boolean":
                    paths.remove(json, name, dots=dots)
        output.append({**item, "json": json, "pairedItem": {"item": index}})
    return [output]


def _without_null_names(values: Any) -> Any:
    """The fields to set, those with null for a name without one: they get the name that fields have at first."""
    if not isinstance(values, dict) or not any(
        isinstance(field, dict) and field.get("name", "") is None for kind in EMPTY for field in values.get(kind) or []
    ):
        return values
    return {
        kind: [{name: each for name, each in field.items() if (name, each) != ("name", None)} for field in fields]
        for kind, fields in values.items()
    }


def _field_name(given: Any, dots: bool) -> str | None:
    """The path to set: a list holds its steps, unless dots are parts of names. None: a path without a step."""
    if isinstance(given, list) and dots:
        return ".".join(conversions.to_string(step) for step in given) if given else None
    return conversions.to_string(given)


async def _find_undefined(
    context: NodeContext, given: Any, resolved: list[Any], part: str = "value"
) -> set[tuple[int, str, int]]:
    """Of which fields, by item, type and place, that part is undefined, which JSON cannot say; such values vanish."""
    empty = [
        (index, kind, place, field[part])
        for kind in EMPTY
        for place, field in enumerate(given.get(kind) or [])
        if is_expression(field.get(part))
        for index, asked in enumerate(resolved)
        if asked["values"][kind][place].get(part) is None
    ]
    if not empty:
        return set()
    answers = await context.tell_apart({text for _, _, _, text in empty})
    return {(index, kind, place) for index, kind, place, text in empty if answers[index][text] == "undefined"}


def _convert(value: Any, kind: str, version: float) -> Any:
    """A boolean is one whatever it was; version 2 makes numbers of numbers written as text; the rest stays."""
    if kind == "boolean":
        return conversions.truthy(value)
    if kind == "number" and version >= 2 and isinstance(value, str):
        number = conversions.to_number(value)
        return value if math.isnan(number) else number
    return value
