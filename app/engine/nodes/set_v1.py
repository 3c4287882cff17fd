"""Set, versions 1 and 2: fields in a list a type."""

import math
from typing import Any

from app.engine import conversions, paths
from app.engine.context import NodeContext
from app.engine.registry import Item, Outputs, node

EMPTY = {"boolean": False, "number": 0, "string": ""}
"""The types in the order in which their fields are made, each with the value of a field that has none."""


@node("set", [1, 2])
async def set_v1(context: NodeContext) -> Outputs:
    parameters = context.parameters
    wanted = {
        "values": parameters.get("values") or {},
        "only": parameters.get("keepOnlySet", False),
        "options": parameters.get("options") or {},
    }
    put_out: list[Item] = []
    for index, asked in enumerate(await context.resolve(wanted, parameter="values")):
        item = context.items[index]
        json: dict[str, Any] = {} if asked["only"] else dict(item["json"])
        dots = asked["options"].get("dotNotation", True) is not False
        for kind, empty in EMPTY.items():
            for field in asked["values"].get(kind) or []:
                value = _converted(field.get("value", empty), kind, context.version)
                paths.put(json, conversions.to_string(field.get("name", "propertyName")), value, dots=dots)
        put_out.append({**item, "json": json, "pairedItem": {"item": index}})
    return [put_out]


def _converted(value: Any, kind: str, version: float) -> Any:
    """A boolean is one whatever it was; version 2 makes numbers of numbers written as text; the rest stays."""
    if kind == "boolean":
        return conversions.truthy(value)
    if kind == "number" and version >= 2 and isinstance(value, str):
        number = conversions.to_number(value)
        return value if math.isnan(number) else number
    return value
