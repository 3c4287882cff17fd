"""Merge, versions 2 and 3: makes one stream of several, one after the other or item by item."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from app.engine.nodes.merge import matching
from app.engine.nodes.merge.sql import merge_by_sql
from app.engine.nodes.shared.issues import Required, Typed, rules
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import LIST, POINTER
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import conversions, merging

NOTHING: list[Item] = [{"json": {}}]
"""What stands for an empty input where every field has to be present."""
NONE_PAIRED = 'Consider enabling "Include Any Unpaired Items" in options or check your inputs'


def _inputs_needed(parameters: dict[str, Any]) -> list[int] | int | None:
    return [0, 1] if parameters.get("mode", "append") == "chooseBranch" else 1


COUNTED = {"mode": ["append", "combineBySql", "chooseBranch"]}
ISSUES = rules(
    Required("query", "Query", "SELECT", when={"mode": ["combineBySql"]}),
    Typed("numberInputs", "number", when=COUNTED, times=4),
    Typed("numberInputs", "number", when={"mode": ["combine"], "combineBy": ["combineByPosition"]}, times=4),
    Typed("useDataOfInput", "number", when={"output": ["specifiedInput"], "mode": ["chooseBranch"]}),
    defaults={"mode": "append", "output": "specifiedInput", "combineBy": "combineByFields"},
)
PLAIN_NOW = ["mode", "combineBy", "numberInputs"]


@node(
    "merge",
    [3, 3.1, 3.2],
    inputs_needed=_inputs_needed,
    issues=ISSUES,
    plain=PLAIN_NOW,
    exact=True,
    groups=["mergeByFields"],
)
@node("merge", [2, 2.1], inputs_needed=_inputs_needed, exact=True, groups=["mergeByFields"])
async def merge(context: NodeContext) -> Outputs:
    parameters = await context.resolve_first(context.parameters, parameter="mode")
    if parameters.get("mode") == "combineBySql" and context.version >= 3:
        return await merge_by_sql(context, _all_inputs(context, parameters), parameters)
    items = list(itertools.chain.from_iterable(context.inputs))
    # Combined in all ways, few items make many.
    size = max(count_steps(items, parameters), math.prod(map(len, context.inputs)))
    return await compute(_merge, context, parameters, size=size)


def _merge(context: NodeContext, parameters: dict[str, Any]) -> Outputs:
    mode = parameters.get("mode", "append")
    if context.version >= 3 and len(context.inputs) > (count := _declared_inputs(parameters)):
        context.inputs = context.inputs[:count]  # as in n8n, what else is connected is left aside
    if mode == "append":
        return [[item for items in context.inputs for item in items]]
    if mode == "chooseBranch":
        return _choose(context, parameters)
    if mode != "combine":
        raise NodeError(f"The Merge node's mode '{mode}' is not supported.")
    options = as_group(parameters.get("options"))
    how = _combination(parameters, context.version)
    clash = merging.clash_handling(options, "preferInput2" if context.version < 3 else "preferLast")
    if how == "position":
        inputs = _all_inputs(context, parameters)
        if context.version < 3 and not all(inputs):
            return [next((items for items in inputs if items), [])]
        keeps_names = clash.suffix and context.version >= 3
        unpaired = bool(options.get("includeUnpaired"))
        if not (unpaired or all(inputs)):
            context.hints.append({"message": NONE_PAIRED})
        rows = _by_position(inputs, clash, unpaired=unpaired, keeps_names=keeps_names)
        return [context.collect(rows)]
    first, second = [*context.inputs, [], []][:2]
    if how == "all":
        return [context.collect(_join(*pair, clash) for pair in _all_pairs(first, second, clash))]
    return _by_fields(context, first, second, parameters)


def _all_inputs(context: NodeContext, parameters: dict[str, Any]) -> list[list[Item]]:
    """The items of every input that the node has, also of those that nothing is connected to."""
    count = _declared_inputs(parameters) if context.version >= 3 else 2
    missing = max(0, count - len(context.inputs))
    context.hold(missing * (POINTER + LIST))
    return [*context.inputs, *([] for _ in range(missing))]


def _declared_inputs(parameters: dict[str, Any]) -> int:
    given = parameters.get("numberInputs", 2)
    count = 2 if given is None else conversions.to_number(given)
    return int(count) if 1 <= count < math.inf else 2


def _combination(parameters: dict[str, Any], version: float) -> str:
    if version < 3:
        names = {"mergeByFields": "fields", "mergeByPosition": "position", "multiplex": "all"}
        asked = parameters.get("combinationMode", "mergeByFields")
    else:
        names = {"combineByFields": "fields", "combineByPosition": "position", "combineAll": "all"}
        asked = parameters.get("combineBy", "combineByFields")
    how = conversions.display(asked)
    if how not in names:
        raise NodeError(f"Combining by '{how}' is not supported.")
    return names[how]


def _choose(context: NodeContext, parameters: dict[str, Any]) -> Outputs:
    output = parameters.get("output", "specifiedInput" if context.version >= 3 else "input1")
    if output == "empty":
        places = [(number, place) for number, items in enumerate(context.inputs) for place in range(len(items))]
        return [[_item({}, [], places)]]
    number = str(parameters.get("useDataOfInput", 1)) if context.version >= 3 else str(output).removeprefix("input")
    place = int(number) - 1 if number.isdecimal() else -1
    if not 0 <= place < len(context.inputs):
        count = f"The node has only {len(context.inputs)} inputs, so selecting input {number} is not possible."
        raise NodeError(f"Input {number} doesn't exist", description=count)
    return [context.inputs[place]]


def _all_pairs(first: list[Item], second: list[Item], clash: merging.Clash) -> Iterator[tuple[Item, int, Item, int]]:
    """Each item of one input with each of the other; the input that does not win comes first, and varies last."""
    if clash.prefer == "1":
        return ((a, i, b, j) for j, b in enumerate(second) for i, a in enumerate(first))
    return ((a, i, b, j) for i, a in enumerate(first) for j, b in enumerate(second))


def _by_position(
    inputs: list[list[Item]], clash: merging.Clash, *, unpaired: bool, keeps_names: bool
) -> Iterator[Item]:
    lengths = [len(items) for items in inputs]
    count = (max if unpaired else min)(lengths, default=0)
    for row in range(count):
        present = [(number, items[row]) for number, items in enumerate(inputs) if row < len(items)]
        yield _merge_row(row, present, clash, len(inputs) if keeps_names else 0)


def _merge_row(row: int, present: list[tuple[int, Item]], clash: merging.Clash, naming: int) -> Item:
    """One item of those that stand side by side; with suffixes, the fields of input `naming` keep their names too."""
    jsons = [item["json"] for _, item in present]
    if clash.suffix:
        jsons = [merging.add_suffix(item["json"], str(number + 1)) for number, item in present]
        jsons += [item["json"] for number, item in present if number + 1 == naming]
        json = merging.merge(jsons, clash)
    else:
        json = merging.merge(merging.by_preference(jsons, clash), clash)
    items = merging.by_preference([item for _, item in present], clash)
    return _item(json, items, [(number, row) for number, _ in present])


def _item(json: dict[str, Any], items: list[Item], places: list[tuple[int, int]]) -> Item:
    # Of files with the same name, that of the last item stays.
    made: Item = {"json": json, "pairedItem": [{"item": place, "input": number} for number, place in places]}
    if items:  # as in n8n, what is made of several has files, be it none
        made["binary"] = {name: data for item in items for name, data in (item.get("binary") or {}).items()}
    return made


def _by_fields(context: NodeContext, first: list[Item], second: list[Item], parameters: dict[str, Any]) -> Outputs:
    options, version = as_group(parameters.get("options")), context.version
    pairs = _pairs(parameters, version)
    dots = not options.get("disableDotNotation")
    join = parameters.get("joinMode", "keepMatches")
    wanted = parameters.get("outputDataFrom", "both")
    if version < 2.1:
        matching.check_present(first or NOTHING, [name for name, _ in pairs], "Input 1", dots)
        matching.check_present(second or NOTHING, [name for _, name in pairs], "Input 2", dots)
    if not (first and second):
        return _without_partners(first, second, join, wanted, version)
    clash = merging.clash_handling(options, "preferInput1" if join == "enrichInput2" else "preferInput2")
    joins = join != "keepNonMatches" and not (join == "keepMatches" and wanted in ("input1", "input2"))
    matches = matching.match(
        first,
        second,
        pairs,
        dots=dots,
        fuzzy=bool(options.get("fuzzyCompare")),
        first_only=joins and options.get("multipleMatches", "all") == "first",
    )
    unmatched_first = [item for item, partners in zip(first, matches.partners, strict=True) if not partners]
    unmatched_second = [second[place] for place in matches.unmatched_second]
    if join == "keepNonMatches":
        return [_choose_unmatched(unmatched_first, unmatched_second, wanted)]
    if not joins:
        return [_choose_matched(first, second, matches, wanted)]
    together = context.collect(
        _join(first[index], index, second[place], place, clash) for index, place in matches.pairs()
    )
    if join in ("keepEverything", "enrichInput1"):
        together.extend(_rename_unmatched(context, unmatched_first, "1", clash))
    if join in ("keepEverything", "enrichInput2"):
        together.extend(_rename_unmatched(context, unmatched_second, "2", clash))
    return [together]


def _choose_matched(first: list[Item], second: list[Item], matches: matching.Matches, wanted: str) -> list[Item]:
    """The items of one input that have partners in the other."""
    if wanted == "input1":
        return [item for item, partners in zip(first, matches.partners, strict=True) if partners]
    lonely = set(matches.unmatched_second)
    return [item for place, item in enumerate(second) if place not in lonely]


def _rename_unmatched(context: NodeContext, items: list[Item], suffix: str, clash: merging.Clash) -> list[Item]:
    """Items without a partner, under the names that they have beside those with one."""
    if not clash.suffix:
        return items
    return context.collect({**item, "json": merging.add_suffix(item["json"], suffix)} for item in items)


def _without_partners(first: list[Item], second: list[Item], join: str, wanted: str, version: float) -> Outputs:
    """What comes of an empty input: nothing to match with, so that the other one stays as it is, or goes."""
    nothing: Outputs = [[]] if version < 3 else []
    if join == "keepMatches" or (join == "enrichInput1" and not first) or (join == "enrichInput2" and not second):
        return nothing
    if join == "keepNonMatches" and wanted != "both":
        return [first if wanted == "input1" else second]
    return [first or second]


def _pairs(parameters: dict[str, Any], version: float) -> list[matching.Pair]:
    if version >= 3 and not parameters.get("advanced"):
        names = split_names(parameters.get("fieldsToMatchString", ""), "Fields to Match", keep_empty=True)
        return matching.field_pairs([{"field1": name, "field2": name} for name in names])
    return matching.field_pairs((parameters.get("mergeByFields") or {}).get("values") or [])


def _choose_unmatched(first: list[Item], second: list[Item], wanted: str) -> list[Item]:
    if wanted == "input1":
        return first
    if wanted == "input2":
        return second
    return [
        {**item, "json": {**item["json"], "_source": source}}
        for source, items in (("input1", first), ("input2", second))
        for item in items
    ]


def _join(one: Item, index: int, other: Item, place: int, clash: merging.Clash) -> Item:
    jsons = [one["json"], other["json"]]
    if clash.suffix:
        json = {**merging.add_suffix(jsons[0], "1"), **merging.add_suffix(jsons[1], "2")}
    else:
        json = merging.merge(merging.by_preference(jsons, clash), clash)
    items = merging.by_preference([one, other], clash)
    return _item(json, items, merging.by_preference([(0, index), (1, place)], clash))
