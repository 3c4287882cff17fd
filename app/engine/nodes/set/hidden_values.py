"""What JSON hides of an expression's value: numbers that are none, and dates, which are no text to JavaScript."""

import math
import re
from datetime import datetime
from typing import Any

import orjson

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError

SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
DATE = "Date"
"""What `tell_apart` says of a date."""
_ISO = re.compile(r"[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_FIELD_KINDS = frozenset({"string", "number", "boolean", "array", "object"})


async def reveal(
    context: NodeContext, fields: list[dict[str, Any]], resolved: list[Any], *, name_nothing: bool = False
) -> None:
    """Put into the values of typed fields what they really are, so that they convert as in n8n.

    Asks the sandbox a second time, but only for values that gave nothing, or a date's text where a date was made.
    With `name_nothing`, null and undefined are those words in a text field.
    """
    templates = [
        (place, template, DATE in template)
        for place, field in enumerate(fields)
        if isinstance(kind := field.get("type"), str)
        and kind in _FIELD_KINDS
        and isinstance(template := field.get("value"), str)
        and template.startswith("=")
    ]
    asked = [
        (index, place, template)
        for index, values in enumerate(resolved)
        if not isinstance(values, NodeError)
        for place, template, dated in templates
        if (value := values["value"][place].get("value")) is None
        or (dated and isinstance(value, str) and _ISO.match(value) is not None)
    ]
    if not asked:
        return
    answers = await context.tell_apart({text for _, _, text in asked})
    for index, place, text in asked:
        said, value = answers[index][text], resolved[index]["value"][place].get("value")
        if said in SPECIAL:
            resolved[index]["value"][place]["value"] = SPECIAL[said]
        elif said == DATE:
            resolved[index]["value"][place]["value"] = _as_kind(fields[place].get("type"), value)
        elif name_nothing and fields[place].get("type") == "string":
            resolved[index]["value"][place]["value"] = said


async def reveal_names(context: NodeContext, fields: list[dict[str, Any]], resolved: list[Any]) -> None:
    """Call the fields whose names gave nothing as JavaScript does: null or undefined."""
    asked = [
        (index, place, template)
        for place, field in enumerate(fields)
        if isinstance(template := field.get("name"), str) and template.startswith("=")
        for index, values in enumerate(resolved)
        if not isinstance(values, NodeError) and values["value"][place].get("name") is None
    ]
    if asked:
        answers = await context.tell_apart({text for _, _, text in asked})
        for index, place, text in asked:
            resolved[index]["value"][place]["name"] = answers[index][text]


def _as_kind(kind: Any, iso: str | None) -> Any:
    """A date in a field of that type: its JSON as text, milliseconds as a number, and no array."""
    if kind == "string":
        return orjson.dumps(iso).decode()
    if kind in ("number", "boolean"):
        return math.nan if iso is None else datetime.fromisoformat(iso).timestamp() * 1000
    return {} if kind == "array" else iso
