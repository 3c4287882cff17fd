"""Fields of versions 3 to 3.2: an object is JSON as people write it."""

from typing import Any

from app.engine.nodes.set.fields import Fields
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


async def read_objects(context: NodeContext, fields: Fields, resolved: list[Any]) -> None:
    """Read the texts for objects; an item that has one which is none becomes the NodeError that says so."""
    objects = [
        (name, value)
        for field, (name, _, value) in zip(fields.given, fields.places, strict=True)
        if field["type"] == "object"
    ]
    texts = [
        (index, name, value, row["value"][value])
        for index, row in enumerate(resolved)
        if not isinstance(row, NodeError)
        for name, value in objects
        if row["value"][value] is not None
    ]
    read = await parse_all(context, {number: text for number, (*_, text) in enumerate(texts)})
    for number, (index, name, value, _) in enumerate(texts):
        row, made = resolved[index], read.get(number)
        if isinstance(row, NodeError):
            continue
        if isinstance(made, dict) or (number in read and made is None):
            row["value"][value] = made
        else:
            said = "does not contain a valid JSON object" if number in read else "contains invalid JSON"
            message = f"The entry \"{row['value'][name]}\" inside 'Fields to Set' in item {index} {said}"
            resolved[index] = NodeError(message, item_index=index)
