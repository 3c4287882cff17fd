"""Compare Datasets: which items two inputs have in common, which differ, and which only one has."""

import itertools
from collections.abc import Iterator
from typing import Any

from app.engine.nodes.merge import matching
from app.engine.nodes.merge.skipped_fields import SkippedFields
from app.engine.run.computing import compute, count_steps
from app.engine.run.context import NodeContext
from app.engine.run.groups import as_group
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import DICT
from app.engine.run.parameters import split_names
from app.engine.run.registry import node
from app.engine.values import paths
from app.engine.values.equality import equal

NULL_IS_ZERO = 2
"""From this version on, a fuzzy comparison takes null for 0, too."""
TRIMMED = 2.1
"""From this version on, what differs is shown without the fields in it that are skipped."""
LENIENT = 2.2
"""From this version on, a field that no item has is no error."""


@node("compareDatasets", [1, 2, 2.1, 2.2, 2.3], outputs=4, groups=["mergeByFields"])
async def compare_datasets(context: NodeContext) -> Outputs:
    parameters = await context.resolve_first(context.parameters, parameter="mergeByFields")
    items = list(itertools.chain.from_iterable(context.inputs))
    return await compute(_compare, context, parameters, size=count_steps(items, parameters))


def _compare(context: NodeContext, parameters: dict[str, Any]) -> Outputs:
    options = as_group(parameters.get("options"))
    pairs = matching.field_pairs((parameters.get("mergeByFields") or {}).get("values") or [])
    dots = not options.get("disableDotNotation")
    fuzzy = bool((options if context.version < 2 else parameters).get("fuzzyCompare"))
    places, (first, second) = _filled_items([*context.inputs, [], []][:2])
    if context.version < LENIENT:
        matching.check_present(first, [name for name, _ in pairs], "Input A", dots)
        matching.check_present(second, [name for _, name in pairs], "Input B", dots)
    null_is_zero = context.version >= NULL_IS_ZERO
    first_only = options.get("multipleMatches", "first") == "first"
    matches = matching.match(
        first, second, pairs, dots=dots, fuzzy=fuzzy, first_only=first_only, null_is_zero=null_is_zero
    )
    resolve = parameters.get("resolve", "includeBoth" if context.version >= TRIMMED else "preferInput2")
    skipped = SkippedFields(split_names(options.get("skipFields", "")), dots)
    same: dict[int, Item] = {}

    def differences() -> Iterator[Item]:
        """The pairs that differ, each as one item; those that are the same are kept in `same` on the way."""
        for index, place in matches.pairs():
            comparison = _Comparison(first[index], second[place], fuzzy, null_is_zero, skipped)
            if comparison.is_same:
                if index not in same:  # the first stands for all that are the same
                    context.hold(2 * DICT)
                    same[index] = second[place] if fuzzy and resolve == "preferInput2" else first[index]
                continue
            yield {
                "pairedItem": [{"item": places[0][index]}, {"item": places[1][place], "input": 1}],
                **comparison.resolve_differences(resolve, parameters, pairs, dots, context.version),
            }

    different = context.collect(differences())
    only_first = [item for item, partners in zip(first, matches.partners, strict=True) if not partners]
    only_second = [second[place] for place in matches.unmatched_second]
    return [only_first, list(same.values()), different, only_second]


def _filled_items(inputs: list[list[Item]]) -> tuple[list[list[int]], list[list[Item]]]:
    """The places of the items of each input that have fields, and these: as in n8n, others are not compared."""
    places = [[place for place, item in enumerate(items) if item["json"]] for items in inputs]
    return places, [[items[place] for place in filled] for items, filled in zip(inputs, places, strict=True)]


class _Comparison:
    """How two matching items relate, field by field."""

    def __init__(self, first: Item, second: Item, fuzzy: bool, null_is_zero: bool, skips: SkippedFields) -> None:
        self.first = first
        self.second = second
        self.one = one = first["json"]
        self.other = other = second["json"]
        names = list(dict.fromkeys([*one, *other]))
        self.equal = {
            name
            for name in names
            if equal(one.get(name, paths.MISSING), other.get(name, paths.MISSING), fuzzy, null_is_zero)
            and (fuzzy or (name in one) is (name in other))
        }
        self.skips = skips
        self.skipped = [name for name in names if name in skips.whole and name not in self.equal]
        self.different = [name for name in names if name not in self.equal and name not in skips.whole]
        self.is_same = all(
            name in skips.within
            and equal(skips.trim(name, one), skips.trim(name, other), fuzzy, null_is_zero)
            and (fuzzy or (name in one) is (name in other))
            for name in self.different
            if name in one or not fuzzy  # as in n8n, a field that only the second has is no difference then
        )

    def resolve_differences(
        self, resolve: str, parameters: dict[str, Any], pairs: list[matching.Pair], dots: bool, version: float
    ) -> Item:
        """The output for two items that differ, as the node's "when there are differences" says.

        Where one of them is preferred, it is that item, with its files and its origin.
        """
        if resolve == "preferInput1":
            return self.first
        if resolve == "preferInput2":
            return self.second
        if resolve == "mix":
            return self._mix(parameters, dots)
        return {"json": self._render_both(pairs, dots, version)}

    def _mix(self, parameters: dict[str, Any], dots: bool) -> Item:
        """The preferred item with some fields of the other one. What that lacks is null, without dots left out."""
        preferred, rest = self.first, self.second
        if parameters.get("preferWhenMix", "input1") == "input2":
            preferred, rest = rest, preferred
        names = split_names(parameters.get("exceptWhenMix", ""))
        lacking = None if dots else paths.MISSING
        mixed = preferred["json"] | {name: paths.get(rest["json"], name, lacking, dots=dots) for name in names}
        return {**preferred, "json": {name: value for name, value in mixed.items() if value is not paths.MISSING}}

    def _render_both(self, pairs: list[matching.Pair], dots: bool, version: float) -> dict[str, Any]:
        labels = ("input1", "input2") if version == 1 else ("inputA", "inputB")

        def both_values(names: list[str]) -> dict[str, Any]:
            return {name: {labels[0]: self.one.get(name), labels[1]: self.other.get(name)} for name in names}

        json: dict[str, Any] = {
            "keys": {name: paths.get(self.one, name, dots=dots) for name, _ in pairs},
            "same": {name: value for name, value in self.one.items() if name in self.equal},
            "different": both_values(self.different),
        }
        skipped = both_values(self.skipped)
        for name in self.different if version >= TRIMMED else ():
            if name in self.skips.within:
                one, other = [self.skips.split(name, each) for each in (self.one, self.other)]
                json["different"][name] = {labels[0]: one[0], labels[1]: other[0]}
                skipped[name] = {labels[0]: one[1], labels[1]: other[1]}
        if skipped:
            json["skipped"] = skipped
        return json
