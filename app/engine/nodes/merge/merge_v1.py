"""Merge, version 1, with the modes and names that it had then."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from app.engine.nodes.shared.issues import Required, rules
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.items import Item, Outputs
from app.engine.run.registry import node
from app.engine.values import conversions, paths

BY_KEY = {"mode": ["keepKeyMatches", "mergeByKey", "removeKeyMatches"]}
ISSUES = rules(
    Required("propertyName1", "Property Input 1", when=BY_KEY),
    Required("propertyName2", "Property Input 2", when=BY_KEY),
    defaults={"mode": "append"},
)


@node("merge", [1], inputs_needed=lambda parameters: 1, issues=ISSUES, exact=True, groups=["mergeByFields"])
async def merge_v1(context: NodeContext) -> Outputs:
    parameters = await context.resolve_first(context.parameters, parameter="mode")
    items = list(itertools.chain.from_iterable(context.inputs))
    size = max(count_steps(items, parameters), math.prod(map(len, context.inputs)))
    return await compute(_merge, context, parameters, size=size)


def _merge(context: NodeContext, parameters: dict[str, Any]) -> Outputs:
    first, second = [*context.inputs, [], []][:2]
    mode = parameters.get("mode", "append")
    if mode == "append":
        return [[*first, *second]]
    if mode == "mergeByIndex":
        return [_by_index(context, first, second, parameters.get("join", "left"))]
    if mode == "multiplex":
        return [context.collect(_join(one, other) for one in first for other in second)]
    if mode == "passThrough":
        return [first if parameters.get("output", "input1") == "input1" else second]
    if mode == "wait":
        return [[{"json": {}, "pairedItem": [{"item": place} for place in range(len(first))]}]]
    names = str(parameters.get("propertyName1", "")), str(parameters.get("propertyName2", ""))
    if mode == "mergeByKey":
        return [_by_key(context, first, second, names, parameters.get("overwrite", "always"))]
    if mode in ("keepKeyMatches", "removeKeyMatches"):
        known = {_text_key(item, names[1]) for item in second} - {None, ""}
        return [[item for item in first if (_text_key(item, names[0]) in known) is (mode == "keepKeyMatches")]]
    return [[]]


def _by_index(context: NodeContext, first: list[Item], second: list[Item], join: str) -> list[Item]:
    count = {"inner": min(len(first), len(second)), "outer": max(len(first), len(second))}.get(join, len(first))
    rows = context.collect(_join_with_files(*pair) for pair in zip(first, second, strict=False))
    return rows + first[len(rows) : count] + second[len(rows) : count]


def _join_with_files(one: Item, other: Item) -> Item:
    files = {**(one.get("binary") or {}), **(other.get("binary") or {})}
    return {**_join(one, other), "binary": files} if files else _join(one, other)


def _join(one: Item, other: Item) -> Item:
    """Both items as one, without the files of either."""
    return {"json": {**one["json"], **other["json"]}, "pairedItem": [one["pairedItem"], other["pairedItem"]]}


def _text_key(item: Item, name: str) -> str | None:
    """The text or number that an item is known by; empty for 0, and None for what it cannot be found by."""
    value = paths.get(item["json"], name)
    if not isinstance(value, str) and not conversions.is_number(value):
        return None
    return conversions.to_string(value) if value else ""


def _by_key(
    context: NodeContext, first: list[Item], second: list[Item], names: tuple[str, str], overwrite: str
) -> list[Item]:
    rows: list[Item] = []
    context.collect(_join_by_key(first, second, names, overwrite, rows))
    return rows


def _join_by_key(
    first: list[Item], second: list[Item], names: tuple[str, str], overwrite: str, rows: list[Item]
) -> Iterator[Item]:
    """The items that are new; `rows` gets these and the others, in order, with files and origin of the first."""
    partners = {key: item for item in second if (key := _text_key(item, names[1]))}
    for item in first:
        key = _text_key(item, names[0])
        if key is None and paths.get(item["json"], names[0], paths.MISSING) is not None:
            continue
        partner = partners.get(key or "")
        if partner is None:
            rows.append(item)
            continue
        json: dict[str, Any] = dict(item["json"])
        for name, value in partner["json"].items():
            if name != names[1] and _may_overwrite(json, name, overwrite):
                json[name] = value
        rows.append({**item, "json": json})
        yield rows[-1]


def _may_overwrite(json: dict[str, Any], name: str, overwrite: str) -> bool:
    if overwrite == "undefined":
        return name not in json
    if overwrite == "blank":
        return json.get(name) in (None, "")
    return True
