"""n8n's filter parameter: conditions on values, combined with and or or, as IF, Filter and Switch have them.

Takes values whose expressions are resolved already; knows nothing of where they come from.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.engine.nodes.conditions.javascript_facts import Place, conditions_of, match_patterns, read_times
from app.engine.nodes.shared.date_texts import date_text
from app.engine.run.computing import compute, count_work, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError, forget_frames
from app.engine.run.groups import as_group
from app.engine.values import comparisons, conversions
from app.engine.values.conversions import CannotConvert, Undefined

TRY_LOOSE = "Try changing the type of comparison. Alternatively you can enable 'Convert types where required'."
UNDEFINED = Undefined()
ORDERED = frozenset({"gt", "lt", "gte", "lte"})
KINDS = frozenset({"string", "number", "dateTime", "boolean", "array", "object"})
"""The types that operators have."""
WORDS_ARE_BOOLEANS = 2
"""From this version of the parameter on, "false" and "0" are false where types are converted."""
BLANK_IS_NO_NUMBER = 3
"""From this version of the parameter on, a text of blanks is null where a number is meant."""
TRY_OTHER = "Try changing the type of the comparison."


@dataclass(frozen=True, slots=True)
class Rules:
    """How values are compared: letter case, whether types are converted instead of checked, by which version."""

    case_sensitive: bool
    loose: bool
    version: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sandbox told about all conditions beforehand."""

    patterns: dict[Place, Any]
    times: dict[str, datetime]


async def evaluate(context: NodeContext, filters: list[Any]) -> list[bool | NodeError]:
    """For each input item whether its filter holds, or why that cannot be told.

    `filters` is what the filter parameter became for each item, its values exact; one that is a NodeError already
    stays one.
    """
    facts = Facts(await match_patterns(context, filters), await read_times(context, filters))
    results: list[bool | NodeError] = []
    for index, entry in enumerate(filters):
        await yield_to_loop()
        if isinstance(entry, NodeError):
            results.append(entry)
            continue
        try:
            results.append(await compute(_holds, entry, index, facts, size=count_work([entry])))
        except NodeError as error:
            forget_frames(error)
            results.append(error)
    return results


def _holds(entry: Any, item: int, facts: Facts) -> bool:
    if not isinstance(entry, dict):
        return conversions.truthy(entry)
    if not isinstance(entry.get("conditions", UNDEFINED), list | Undefined):
        raise NodeError("The conditions are not a list", item_index=item)
    rules = _rules(entry)
    results = (
        _condition_holds(condition, number, item, rules, facts) for number, condition in enumerate(conditions_of(entry))
    )
    combinator = entry.get("combinator")
    if combinator not in ("and", "or", None) and not isinstance(combinator, Undefined):
        return False  # as in n8n, where neither has held
    return any(results) if combinator == "or" else all(results)


def _rules(entry: dict[str, Any]) -> Rules:
    options = as_group(entry.get("options"))
    version = options.get("version")
    return Rules(
        options.get("caseSensitive", True) is not False,
        options.get("typeValidation", "strict") != "strict",
        version if isinstance(version, int | float) else 1,
    )


def _condition_holds(condition: dict[str, Any], number: int, item: int, rules: Rules, facts: Facts) -> bool:
    operator = as_group(condition.get("operator"))
    kind, operation = operator.get("type"), operator.get("operation")
    if not isinstance(kind, str):
        raise NodeError("The operator of a condition is not known", item_index=item)
    place = f" [condition {number}, item {item}]"
    left, right = _typed_sides(condition, operator, kind, rules, facts, place, item)
    if operation == "exists":
        return left is not None
    if operation == "notExists":
        return left is None
    if operation in ("empty", "notEmpty"):
        return kind in KINDS and _is_empty(left) is (operation == "empty")
    if operation in ("regex", "notRegex") and kind == "string":
        matched = facts.patterns[item, number]
        if not isinstance(matched, bool):
            raise NodeError(f"{matched}{place}", description=TRY_LOOSE, item_index=item)
        return matched is (operation == "regex")
    compare = OPERATIONS.get((kind, str(operation)))
    return compare is not None and compare(left, right, rules)


def _typed_sides(
    condition: dict[str, Any], operator: dict[str, Any], kind: str, rules: Rules, facts: Facts, place: str, item: int
) -> tuple[Any, Any]:
    """Both sides as values of the types that the operator wants. Raises NodeError for one that is not."""
    left, right = condition.get("leftValue", UNDEFINED), condition.get("rightValue", UNDEFINED)
    missing = isinstance(left, Undefined), isinstance(right, Undefined)
    left, right = None if missing[0] else left, None if missing[1] else right
    right_kind = "any" if operator.get("singleValue") else str(operator.get("rightType") or kind)
    left, left_fits = _as_type(left, kind, rules, facts)
    right, right_fits = _as_type(right, right_kind, rules, facts)
    if not left_fits and not right_fits and conversions.type_name(left) == conversions.type_name(right):
        actual = _with_article(conversions.type_name(left))
        raise NodeError(
            f"Comparison type expects {_with_article(kind)} but both fields are {actual}",
            description=TRY_OTHER if rules.loose else TRY_LOOSE,
            item_index=item,
        )
    if not left_fits:
        raise _wrong_type(left, kind, rules, "first", place, item)
    if not right_fits:
        raise _wrong_type(right, right_kind, rules, "second", place, item)
    return _without_undefined(left, right, missing, kind, str(operator.get("operation")))


def _without_undefined(left: Any, right: Any, missing: tuple[bool, bool], kind: str, operation: str) -> tuple[Any, Any]:
    """The sides, NaN where they are undefined: neither less nor greater than a number, and not the same as null."""
    if kind == "number" and operation in ORDERED:
        return math.nan if missing[0] else left, math.nan if missing[1] else right
    if kind == "array" and operation.startswith("length"):
        return left, math.nan if missing[1] else right
    if operation in ("equals", "notEquals") and kind in ("number", "boolean") and missing[0] is not missing[1]:
        return math.nan, math.nan
    return left, right


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _as_type(value: Any, kind: str, rules: Rules, facts: Facts) -> tuple[Any, bool]:
    """The value as the operator's type, checked when strict and converted when loose; else as it is, and False."""
    if value is None or kind == "any":
        return value, True
    if kind == "dateTime":
        parsed = facts.times.get(date_text(value) or "")
        return (value, False) if parsed is None else (parsed, True)
    if kind == "number" and rules.version >= BLANK_IS_NO_NUMBER and _is_blank(value):
        return None, True
    if not rules.loose:
        return value, _has_type(value, kind)
    if kind == "boolean":
        return _loose_boolean(value, rules), True
    if kind == "number" and value != value:
        return value, True
    try:
        return conversions.convert(value, kind), True
    except CannotConvert:
        return value, False


def _wrong_type(value: Any, kind: str, rules: Rules, which: str, place: str, item: int) -> NodeError:
    shown, actual, expected = conversions.to_string(value), conversions.type_name(value), _with_article(kind)
    if rules.loose:
        message = f"Conversion error: the {actual} '{shown}' can't be converted to {expected}"
        return NodeError(message + place, description=TRY_OTHER, item_index=item)
    message = f"Wrong type: '{shown}' is {_with_article(actual)} but was expecting {expected}"
    return NodeError(message + place, description=_advice(kind, which), item_index=item)


def _is_blank(value: Any) -> bool:
    """Whether it is written as nothing but blanks, as a list without entries is, too."""
    return isinstance(value, str | list) and not conversions.to_string(value).strip()


def _loose_boolean(value: Any, rules: Rules) -> bool:
    if rules.version < WORDS_ARE_BOOLEANS or (isinstance(value, str) and _is_blank(value)):
        return conversions.truthy(value)
    try:
        return conversions.to_boolean(value)
    except CannotConvert:
        return conversions.truthy(value)


def _has_type(value: Any, kind: str) -> bool:
    if kind == "array":
        return isinstance(value, list)
    if kind == "object":
        return isinstance(value, dict)
    return conversions.type_name(value) == kind if kind in ("string", "number", "boolean") else True


def _with_article(kind: str) -> str:
    return f"{'an' if kind in ('array', 'object') else 'a'} {kind}"


def _advice(kind: str, which: str) -> str:
    method = {"string": "toString()", "number": "toNumber()", "boolean": "toBoolean()"}.get(kind)
    if method is None:
        return TRY_LOOSE
    return (
        "\n<p>Try either:</p>\n<ol>\n  <li>Enabling 'Convert types where required'</li>\n"
        f"  <li>Converting the {which} field to a {kind} by adding <code>.{method}</code></li>\n</ol>\n\t\t\t"
    )


Compare = Callable[[Any, Any, Rules], bool]


def _on_text(compare: Callable[[str, str], bool]) -> Compare:
    def compare_text(left: Any, right: Any, rules: Rules) -> bool:
        one, other = left or "", right or ""
        return compare(one, other) if rules.case_sensitive else compare(one.lower(), other.lower())

    return compare_text


def _on_numbers(compare: Callable[[float, float], bool]) -> Compare:
    return lambda left, right, rules: compare(left or 0, right or 0)


def _on_times(compare: Callable[[datetime, datetime], bool]) -> Compare:
    return lambda left, right, rules: left is not None and right is not None and compare(left, right)


def _on_length(compare: Callable[[int, float], bool]) -> Compare:
    return lambda left, right, rules: compare(len(left or []), conversions.to_number(right or 0))


def _is_length(left: Any, right: Any, rules: Rules) -> bool:
    """Whether it is the length; null is none."""
    return comparisons.strictly_equal(len(left or []), right)


def _contains(left: Any, right: Any, rules: Rules) -> bool:
    entries = left or []
    if not rules.case_sensitive and isinstance(right, str):
        wanted = right.lower()
        return any(isinstance(entry, str) and entry.lower() == wanted for entry in entries)
    return any(comparisons.strictly_equal(entry, right) for entry in entries)


OPERATIONS: dict[tuple[str, str], Compare] = {
    ("string", "equals"): _on_text(lambda left, right: left == right),
    ("string", "notEquals"): _on_text(lambda left, right: left != right),
    ("string", "contains"): _on_text(lambda left, right: right in left),
    ("string", "notContains"): _on_text(lambda left, right: right not in left),
    ("string", "startsWith"): _on_text(lambda left, right: left.startswith(right)),
    ("string", "notStartsWith"): _on_text(lambda left, right: not left.startswith(right)),
    ("string", "endsWith"): _on_text(lambda left, right: left.endswith(right)),
    ("string", "notEndsWith"): _on_text(lambda left, right: not left.endswith(right)),
    ("number", "equals"): lambda left, right, rules: comparisons.strictly_equal(left, right),
    ("number", "notEquals"): lambda left, right, rules: not comparisons.strictly_equal(left, right),
    ("number", "gt"): _on_numbers(lambda left, right: left > right),
    ("number", "lt"): _on_numbers(lambda left, right: left < right),
    ("number", "gte"): _on_numbers(lambda left, right: left >= right),
    ("number", "lte"): _on_numbers(lambda left, right: left <= right),
    ("dateTime", "equals"): _on_times(lambda left, right: left == right),
    ("dateTime", "notEquals"): _on_times(lambda left, right: left != right),
    ("dateTime", "after"): _on_times(lambda left, right: left > right),
    ("dateTime", "before"): _on_times(lambda left, right: left < right),
    ("dateTime", "afterOrEquals"): _on_times(lambda left, right: left >= right),
    ("dateTime", "beforeOrEquals"): _on_times(lambda left, right: left <= right),
    ("boolean", "true"): lambda left, right, rules: bool(left),
    ("boolean", "false"): lambda left, right, rules: not left,
    ("boolean", "equals"): lambda left, right, rules: comparisons.strictly_equal(left, right),
    ("boolean", "notEquals"): lambda left, right, rules: not comparisons.strictly_equal(left, right),
    ("array", "contains"): _contains,
    ("array", "notContains"): lambda left, right, rules: not _contains(left, right, rules),
    ("array", "lengthEquals"): _is_length,
    ("array", "lengthNotEquals"): lambda left, right, rules: not _is_length(left, right, rules),
    ("array", "lengthGt"): _on_length(lambda length, right: length > right),
    ("array", "lengthLt"): _on_length(lambda length, right: length < right),
    ("array", "lengthGte"): _on_length(lambda length, right: length >= right),
    ("array", "lengthLte"): _on_length(lambda length, right: length <= right),
}
