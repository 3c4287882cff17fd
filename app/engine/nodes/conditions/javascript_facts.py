"""What only JavaScript can tell about conditions: what a pattern matches, and what time a text names.

Asks the sandbox, once for all conditions of all items; compares nothing itself.
"""

from datetime import datetime
from typing import Any

from app.engine.nodes.shared.date_texts import read_dates
from app.engine.run.computing import slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.groups import as_group
from app.engine.run.programs import evaluate_javascript
from app.engine.values import conversions
from app.engine.values.conversions import Undefined

Place = tuple[int, int]
"""An item and one of its filter's conditions, by number."""

MATCH_PATTERN = (
    "={{ ((left, right) => { try { const parts = /^\\/([^]*)\\/([a-z]*)$/.exec(right); "
    "return (parts ? new RegExp(parts[1], parts[2]) : new RegExp(right)).test(left); } "
    "catch (error) { return String(error.message); } })($json.left, $json.right) }}"
)
"""JavaScript's own regular expressions: others differ in what they match, and would have no time limit here."""


def conditions_of(entry: Any) -> list[dict[str, Any]]:
    """The conditions of a filter, which may be anything that an expression gave; what is none never holds."""
    conditions = entry.get("conditions") if isinstance(entry, dict) else None
    return [as_group(condition) for condition in conditions] if isinstance(conditions, list) else []


async def match_patterns(context: NodeContext, filters: list[Any]) -> dict[Place, Any]:
    """For each regular expression whether it matches, or, as a text, why it is none."""
    places: list[Place] = []
    rows: list[dict[str, Any]] = []
    for item, entry in enumerate(filters):
        if slice_is_over():
            await yield_to_loop()
        for number, condition in enumerate(conditions_of(entry)):
            operator = as_group(condition.get("operator"))
            if operator.get("type") == "string" and operator.get("operation") in ("regex", "notRegex"):
                left = _text(condition.get("leftValue"))
                sensitive = as_group(entry.get("options")).get("caseSensitive", True) is not False
                places.append((item, number))
                rows.append({"left": left if sensitive else left.lower(), "right": _text(condition.get("rightValue"))})
    return dict(zip(places, await evaluate_javascript(context, MATCH_PATTERN, rows), strict=True)) if rows else {}


async def read_times(context: NodeContext, filters: list[Any]) -> dict[str, datetime]:
    """The times that the texts in conditions on dates name."""
    values: list[Any] = []
    for entry in filters:
        if slice_is_over():
            await yield_to_loop()
        for condition in conditions_of(entry):
            operator = as_group(condition.get("operator"))
            if "dateTime" in (operator.get("type"), operator.get("rightType")):
                values += (condition.get("leftValue"), condition.get("rightValue"))
    return await read_dates(context, values)


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, Undefined) else conversions.display(value)
