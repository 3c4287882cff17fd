"""Conditions as IF, Filter and Switch had them before the filter parameter: a list a type, few conversions.

Takes values whose expressions are resolved already; knows nothing of where they come from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from app.engine.nodes.conditions.javascript_facts import MATCH_PATTERN
from app.engine.nodes.shared.date_texts import EPOCH, read_dates
from app.engine.run.computing import compute, count_steps, slice_is_over, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.programs import evaluate_javascript
from app.engine.values import comparisons, conversions
from app.engine.values.conversions import Undefined

DEFAULTS = {"boolean": "equal", "dateTime": "after", "number": "smaller", "string": "equal"}
"""The types in the order in which they are looked at, each with its operation when none is named."""


UNDEFINED = Undefined()
SIDES = ("value1", "value2")
NOTHING = {"boolean": False, "dateTime": "", "number": 0, "string": ""}
"""What a side is that the document leaves out, by type."""


@dataclass(frozen=True, slots=True)
class OldCondition:
    """One comparison: the kind of its values, the operation, and both sides with their values."""

    kind: str
    operation: str
    left: Any
    right: Any


Conditions = list[OldCondition]


def with_defaults(conditions: Any) -> dict[str, Any]:
    """A `conditions` parameter as the document has it, with the sides that it leaves out; other keys mean nothing."""
    lists = conditions if isinstance(conditions, dict) else {}
    return {
        kind: [{**dict.fromkeys(SIDES, NOTHING[kind]), **_given_fields(as_group(entry), kind)} for entry in entries]
        for kind, entries in lists.items()
        if kind in DEFAULTS and isinstance(entries, list)
    }


def _given_fields(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    """What an entry says; null is nothing where text is meant."""
    return {name: value for name, value in entry.items() if value is not None or kind in ("boolean", "number")}


async def read_all(items: Sequence[Any], resolved: list[Any], read: Callable[[Any], Conditions]) -> list[Conditions]:
    """What `read` makes of what was resolved for each item; nothing of an error."""

    def read_rows() -> list[Conditions]:
        return [[] if isinstance(each, NodeError) else read(each) for each in resolved]

    return await compute(read_rows, size=count_steps(items, resolved[:1]))  # all others have as many conditions


def read(conditions: dict[str, Any]) -> list[OldCondition]:
    """The conditions of a resolved `conditions` parameter, in the order in which they are looked at."""
    return [
        OldCondition(kind, entry.get("operation", default), _side(entry.get("value1")), _side(entry.get("value2")))
        for kind, default in DEFAULTS.items()
        for entry in conditions.get(kind) or []
    ]


def _side(value: Any) -> Any:
    """The value; undefined is the same as undefined."""
    return UNDEFINED if isinstance(value, Undefined) else value


async def evaluate(context: NodeContext, rows: list[list[OldCondition]]) -> list[list[bool | NodeError]]:
    """For each input item whether each of its conditions holds, or why that cannot be told."""
    matches = iter(await _match_patterns(context, rows))
    times = await read_dates(
        context,
        (side for row in rows for each in row if each.kind == "dateTime" for side in (each.left, each.right)),
    )
    results: list[list[bool | NodeError]] = []
    for index, row in enumerate(rows):
        results.append([])
        for condition in row:
            if slice_is_over():
                await yield_to_loop()
            results[-1].append(_holds(condition, matches, times, index))
    return results


def _is_pattern(condition: OldCondition) -> bool:
    return condition.kind == "string" and condition.operation in ("regex", "notRegex")


async def _match_patterns(context: NodeContext, rows: list[list[OldCondition]]) -> list[Any]:
    """What the regular expressions answer, in the order of the conditions, from one trip to the sandbox."""
    asked = []
    for condition in chain.from_iterable(rows):
        if slice_is_over():
            await yield_to_loop()
        if _is_pattern(condition):
            asked.append({"left": _text(condition.left), "right": _text(condition.right)})
    return await evaluate_javascript(context, MATCH_PATTERN, asked) if asked else []


def _holds(condition: OldCondition, matches: Any, times: dict[str, datetime], item: int) -> bool | NodeError:
    left, right, operation = condition.left, condition.right, condition.operation
    if _is_pattern(condition):
        matched = next(matches)
        if not isinstance(matched, bool):
            return NodeError(str(matched), item_index=item, anonymous=True)
        return matched is (operation == "regex")
    if condition.kind == "dateTime":
        try:
            left, right = _milliseconds(left, times, item), _milliseconds(right, times, item)
        except NodeError as error:
            return error
    named = operation if isinstance(operation, str) else conversions.display(operation)
    compare = COMPARISONS.get(named)
    if compare is None:
        return NodeError(f"There is no comparison '{named}'.", item_index=item)
    return compare(left, right)


def _milliseconds(value: Any, times: dict[str, datetime], item: int) -> float:
    """When the time that is meant is, after the epoch. Raises NodeError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    time = times.get(value) if isinstance(value, str) else None
    if time is None:
        raise NodeError(f'The value "{conversions.to_string(value)}" is not a valid DateTime.', item_index=item)
    return (time - EPOCH) / timedelta(milliseconds=1)


def _text(value: Any) -> str:
    return conversions.to_string(value) if value else ""


def _is_empty(value: Any) -> bool:
    return value is None or value is UNDEFINED or value in ("", [], {}) or value != value


def _before(left: Any, right: Any) -> bool:
    """left < right, where nothing is 0."""
    return comparisons.less_than(_or_zero(left), _or_zero(right))


def _at_most(left: Any, right: Any) -> bool:
    """left <= right, where nothing is 0."""
    return comparisons.at_most(_or_zero(left), _or_zero(right))


def _or_zero(value: Any) -> Any:
    return value if conversions.truthy(value) else 0


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "after": lambda left, right: _before(right, left),
    "before": _before,
    "contains": lambda left, right: _text(right) in _text(left),
    "notContains": lambda left, right: _text(right) not in _text(left),
    "endsWith": lambda left, right: _text(left).endswith(conversions.to_string(right)),
    "notEndsWith": lambda left, right: not _text(left).endswith(conversions.to_string(right)),
    "startsWith": lambda left, right: _text(left).startswith(conversions.to_string(right)),
    "notStartsWith": lambda left, right: not _text(left).startswith(conversions.to_string(right)),
    "equal": comparisons.strictly_equal,
    "notEqual": lambda left, right: not comparisons.strictly_equal(left, right),
    "larger": lambda left, right: _before(right, left),
    "largerEqual": lambda left, right: _at_most(right, left),
    "smaller": _before,
    "smallerEqual": _at_most,
    "isEmpty": lambda left, right: _is_empty(left),
    "isNotEmpty": lambda left, right: not _is_empty(left),
}
