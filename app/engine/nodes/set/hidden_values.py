"""What JSON hides of an expression's value: numbers that are none, and dates, which are no text to JavaScript."""

import math
import re
from datetime import datetime
from typing import Any

import orjson

from app.engine.nodes.set.fields import Fields
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError

SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
DATE = "Date"
"""What `tell_apart` says of a date."""
_ISO = re.compile(r"[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_FIELD_KINDS = frozenset({"string", "number", "boolean", "array", "object"})


async def reveal(context: NodeContext, fields: Fields, resolved: list[Any], *, name_nothing: bool = False) -> None:
    """Put into the values of typed fields what they really are, so that they convert as in n8n.

    Asks the sandbox a second time, but only for values that gave nothing, or a date's text where a date was made.
    With `name_nothing`, null and undefined are those words in a text field.
    """
    templates = [
        (place, kind, template, DATE in template)
        for place, field, template in fields.templates("value")
        if isinstance(kind := field.get("type"), str) and kind in _FIELD_KINDS
    ]
    asked = [
        (row["value"], index, place, kind, template)
        for index, row in enumerate(resolved)
        if not isinstance(row, NodeError)
        for place, kind, template, dated in templates
        if (value := row["value"][place]) is None
        or (dated and isinstance(value, str) and _ISO.match(value) is not None)
    ]
    if not asked:
        return
    answers = await context.tell_apart({text for *_, text in asked})
    for row, index, place, kind, text in asked:
        said = answers[index][text]
        if said in SPECIAL:
            row[place] = SPECIAL[said]
        elif said == DATE:
            row[place] = _as_kind(kind, row[place])
        elif name_nothing and kind == "string":
            row[place] = said


async def reveal_names(context: NodeContext, fields: Fields, resolved: list[Any]) -> None:
    """Call the fields whose names gave nothing as JavaScript does: null or undefined."""
    asked = [
        (row["value"], index, place, template)
        for place, _, template in fields.templates("name")
        for index, row in enumerate(resolved)
        if not isinstance(row, NodeError) and row["value"][place] is None
    ]
    if asked:
        answers = await context.tell_apart({text for *_, text in asked})
        for row, index, place, text in asked:
            row[place] = answers[index][text]


def _as_kind(kind: Any, iso: str | None) -> Any:
    """A date in a field of that type: its JSON as text, milliseconds as a number, and no array."""
    if kind == "string":
        return orjson.dumps(iso).decode()
    if kind in ("number", "boolean"):
        return math.nan if iso is None else datetime.fromisoformat(iso).timestamp() * 1000
    return {} if kind == "array" else iso
