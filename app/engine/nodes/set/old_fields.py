"""Fields of versions 3 to 3.2: an object is JSON as people write it."""

from typing import Any

from app.engine.nodes.set.json_text import parse_all
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.values import conversions

TYPES = {
    "stringValue": "string",
    "numberValue": "number",
    "booleanValue": "boolean",
    "arrayValue": "array",
    "objectValue": "object",
}
DEFAULTS = {"booleanValue": "true", "numberValue": 0}


def old_fields(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields to make, as name, type and value."""
    fields = []
    for entry in (parameters.get("fields") or {}).get("values") or []:
        kind = conversions.display(entry.get("type", "stringValue"))
        value = DEFAULTS.get(kind, "") if entry.get(kind) is None else entry[kind]
        fields.append({"name": entry.get("name", ""), "type": TYPES.get(kind, "string"), "value": value})
    return fields


async def read_objects(context: NodeContext, resolved: list[Any]) -> None:
    """Read the texts for objects; an item that has one which is none becomes the NodeError that says so."""
    fields = {
        (index, place): field
        for index, values in enumerate(resolved)
        if not isinstance(values, NodeError)
        for place, field in enumerate(values["value"])
        if field["type"] == "object" and field["value"] is not None
    }
    read = await parse_all(context, {number: field["value"] for number, field in enumerate(fields.values())})
    for number, (index, place) in enumerate(fields):
        value = read.get(number)
        if isinstance(resolved[index], NodeError):
            continue
        if isinstance(value, dict) or (number in read and value is None):
            resolved[index]["value"][place] = {**fields[index, place], "value": value}
        else:
            said = "does not contain a valid JSON object" if number in read else "contains invalid JSON"
            name = fields[index, place]["name"]
            message = f"The entry \"{name}\" inside 'Fields to Set' in item {index} {said}"
            resolved[index] = NodeError(message, item_index=index)
