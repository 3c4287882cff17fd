"""Summarize: sums, counts and lists over all items, or over each group of them."""

import functools
import itertools
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from app.engine.nodes.shared.missing_fields import is_missing
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import POINTER
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import comparisons, conversions, paths
from app.engine.values.equality import identity

PREFIXES = {
    "append": "appended_",
    "average": "average_",
    "concatenate": "concatenated_",
    "count": "count_",
    "countUnique": "unique_count_",
    "max": "max_",
    "min": "min_",
    "sum": "sum_",
}
_MARKS = re.compile(r"[\]\[\"]")
NOTHING = "You need to add at least one aggregation to 'Fields to Summarize' with non empty 'Field'"
MISSING_FIELD = "The field '{}' does not exist in any items"
Members = list[tuple[int, dict[str, Any]]]
"""The items of one group, each with its place among all."""


@node("summarize", [1, 1.1], groups=["fieldsToSummarize"])
async def summarize(context: NodeContext) -> Outputs:
    parameters = await context.resolve_first(context.parameters, parameter="fieldsToSummarize")
    options = as_group(parameters.get("options"))
    checks = context.version == 1 and not options.get("continueIfFieldNotFound")
    made = summaries(context.items, parameters, context.version, context.hold, checks=checks)
    fields = _fields_of(parameters)
    size = count_steps(context.items, [fields, parameters.get("fieldsToSplitBy")])
    output = await compute(context.collect, made, size=size)
    dots = not options.get("disableDotNotation")
    missing = await compute(_missing_field, context.items, fields, dots, size=size)
    if missing is not None:
        context.hold(len(missing))
        context.hints.append({"message": MISSING_FIELD.format(missing), "location": "outputPane"})
    return [output]


def summaries(
    items: list[Item], parameters: dict[str, Any], version: float, hold: Callable[[int], None], *, checks: bool
) -> Iterator[Item]:
    """The items that tell about all of `items`; `hold` hears of what is made on the way. Raises NodeError.

    `checks`: a field that no item has is an error.
    """
    options = as_group(parameters.get("options"))
    dots = not options.get("disableDotNotation")
    fields = _fields_of(parameters)
    if not fields or not all(field.get("field") for field in fields):
        raise NodeError(NOTHING)
    if checks and (missing := _missing_field(items, fields, dots)) is not None:
        raise NodeError(MISSING_FIELD.format(missing))
    split_by = split_names(parameters.get("fieldsToSplitBy", ""), "Fields to Split By")
    members: Members = list(enumerate(item["json"] for item in items))
    groups = _groups(members, split_by, dots, hold, by=_label if version == 1 else _key)
    skips = bool(options.get("skipEmptySplitFields"))
    if options.get("outputFormat") == "singleItem":
        json: dict[str, Any] = {}
        for values, group in groups:
            # What a group is empty of ends its path: the fields before it stay, without a summary.
            known = list(itertools.takewhile(lambda value: not (skips and _is_empty(value, version)), values))
            summary = _summary(group, fields, dots, hold) if len(known) == len(values) else {}
            _nest(json, [_label(value) for value in known], summary)
        yield {"json": json, "pairedItem": [{"item": place} for place in range(len(items))]}
        return
    for values, group in groups:
        if skips and any(_is_empty(each, version) for each in values):
            continue
        shown = [_show(value, version) for value in values]
        named = {_output_name(name): value for name, value in zip(split_by, shown, strict=True)}
        json = {**_summary(group, fields, dots, hold), **{k: v for k, v in named.items() if v is not paths.MISSING}}
        yield {"json": json, "pairedItem": [{"item": place} for place, _ in group]}


def _fields_of(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    given = (parameters.get("fieldsToSummarize") or {}).get("values") or []
    return [{**field, "field": conversions.to_string(field.get("field") or "")} for field in given]


def _missing_field(items: list[Item], fields: list[dict[str, Any]], dots: bool) -> str | None:
    """The first field that no item has."""
    documents = [item["json"] for item in items]
    return next((name for field in fields if is_missing(documents, name := field["field"], dots=dots)), None)


def _groups(
    members: Members, split_by: list[str], dots: bool, hold: Callable[[int], None], *, by: Callable[[Any], Any]
) -> list[tuple[list[Any], Members]]:
    """The items by the values of the first field, within that by the second, and so on, in order of appearance."""
    groups: list[tuple[list[Any], Members]] = [([], members)]
    for name in split_by:
        finer: list[tuple[list[Any], Members]] = []
        for values, group in groups:
            members_by_key: dict[Any, tuple[Any, Members]] = {}
            for member in group:
                value = paths.get(member[1], name, paths.MISSING, dots=dots)
                members_by_key.setdefault(by(value), (value, []))[1].append(member)
            finer += [([*values, value], inner) for value, inner in members_by_key.values()]
        groups = finer
        hold(POINTER * len(groups))
    return groups


def _key(value: Any) -> Any:
    return value if value is paths.MISSING else identity(value)


def _label(value: Any) -> str:
    return "undefined" if value is paths.MISSING else conversions.display(value)


def _is_empty(value: Any, version: float) -> bool:
    """Version 1 looks at the value as text, so that only an empty text is empty."""
    return value == "" or (version > 1 and (value is None or value is False or value is paths.MISSING))


def _show(value: Any, version: float) -> Any:
    if version == 1:
        return _label(value)
    return conversions.to_json_text(value) if isinstance(value, dict | list) else value


def _nest(json: dict[str, Any], labels: list[str], summary: dict[str, Any]) -> None:
    for label in labels:
        json = json.setdefault(label, {})
    json.update(summary)


def _output_name(name: str) -> str:
    return _MARKS.sub("", name).replace(".", "_").replace(" ", "_")


def _summary(group: Members, fields: list[dict[str, Any]], dots: bool, hold: Callable[[int], None]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in fields:
        kind, name = conversions.display(field.get("aggregation", "count")), field["field"]
        if kind not in AGGREGATIONS:
            raise NodeError(f"The Summarize node has no aggregation '{kind}'.")
        values = [paths.get(json, name, paths.MISSING, dots=dots) for _, json in group]
        if not (field.get("includeEmpty") and kind in ("append", "concatenate", "count", "countUnique")):
            values = [value for value in values if value not in (None, "", paths.MISSING)]
        if kind == "append":
            hold(POINTER * len(values))
        elif kind == "concatenate":
            hold(len(_separator(field)) * len(values))
        made[PREFIXES[kind] + _output_name(name)] = AGGREGATIONS[kind](values, field)
    return made


def _numbers(values: list[Any]) -> list[Any]:
    return [value for value in values if conversions.is_number(value)]


def _sum(values: list[Any], field: dict[str, Any]) -> Any:
    """Added up from left to right, rounding as it goes, as JavaScript does; Python's own sum is more exact."""
    return conversions.plain_number(functools.reduce(operator.add, _numbers(values), 0))


def _average(values: list[Any], field: dict[str, Any]) -> Any:
    count = len(_numbers(values))
    return conversions.plain_number(_sum(values, field) / count) if count else None


def _extreme(greatest: bool) -> Callable[[list[Any], dict[str, Any]], Any]:
    def find(values: list[Any], field: dict[str, Any]) -> Any:
        best: Any = None
        for value in values:
            if best is None or (comparisons.less_than(best, value) if greatest else comparisons.less_than(value, best)):
                best = value
        return best

    return find


def _concatenate(values: list[Any], field: dict[str, Any]) -> str:
    return _separator(field).join(_label(value) for value in values)


def _separator(field: dict[str, Any]) -> str:
    given = field.get("separateBy", ",")
    separator = field.get("customSeparator", "") if given == "other" else given
    return "," if separator is None else conversions.to_string(separator)


def _count_unique(values: list[Any], field: dict[str, Any]) -> int:
    """Arrays and objects are each one of their own, as in JavaScript."""
    single = [value for value in values if not isinstance(value, dict | list)]
    return len({identity(value) for value in single}) + len(values) - len(single)


AGGREGATIONS: dict[str, Callable[[list[Any], dict[str, Any]], Any]] = {
    "append": lambda values, field: [None if value is paths.MISSING else value for value in values],
    "average": _average,
    "concatenate": _concatenate,
    "count": lambda values, field: len(values),
    "countUnique": _count_unique,
    "max": _extreme(True),
    "min": _extreme(False),
    "sum": _sum,
}
