"""What JSON does not show of an expression's value: NaN and infinities, and that a text was a date or a duration."""

import math
import re
from datetime import datetime
from typing import Any

import orjson

from app.engine.nodes.set.fields import Fields, NumberOfObject
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError

SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
DATE = "Date"
"""What `tell_apart` says of a date."""
DURATION = "Duration "
"""What `tell_apart` says of a duration, before its milliseconds."""
_ISO = re.compile(r"([+-]?\d{4,6})(-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z\Z")
_SPAN = re.compile(r"P[-+\dYMWDTHS.,]+\Z")
_CYCLE = 400
"""Years after which the calendar repeats itself."""
_CYCLE_MILLISECONDS = 146_097 * 86_400_000
_FIELD_KINDS = frozenset({"string", "number", "boolean", "array", "object"})


async def reveal(context: NodeContext, fields: Fields, resolved: list[Any], *, name_nothing: bool = False) -> None:
    """Put into the values of typed fields what they really are, so that they convert as in n8n.

    Asks the sandbox a second time, but only for values that gave nothing, a date's text where a date was made, or a
    duration's text.
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
        or (isinstance(value, str) and ((dated and _ISO.match(value)) or (value[:1] == "P" and _SPAN.match(value))))
    ]
    if not asked:
        return
    answers = await context.tell_apart({text for *_, text in asked})
    for row, index, place, kind, text in asked:
        said = answers[index][text]
        if said in SPECIAL:
            row[place] = SPECIAL[said]
        elif said == DATE:
            row[place] = _as_kind(kind, row[place], _milliseconds(row[place]))
        elif said.startswith(DURATION):
            row[place] = _as_kind(kind, row[place], float(said.removeprefix(DURATION)))
        elif name_nothing and kind == "string" and row[place] is None:
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


def _as_kind(kind: Any, iso: str | None, milliseconds: float) -> Any:
    """A date or duration in a field of that type: its JSON as text, milliseconds as a number, and no array."""
    if kind == "string":
        return orjson.dumps(iso).decode()
    if kind in ("number", "boolean"):
        return NumberOfObject(milliseconds)
    return {} if kind == "array" else iso


def _milliseconds(iso: str | None) -> float:
    """Since 1970; also for the years beyond 9999 and before 1, which datetime has not."""
    parts = _ISO.match(iso or "")
    if parts is None:
        return math.nan
    cycles, year = divmod(int(parts[1]) - 2000, _CYCLE)
    time = datetime.fromisoformat(f"{2000 + year}{parts[2]}+00:00")
    return time.timestamp() * 1000 + cycles * _CYCLE_MILLISECONDS
