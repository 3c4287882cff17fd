"""Pairing the items of two inputs by the values of their fields, as Merge and Compare Datasets do.

Knows JSON and n8n's idea of equal; knows neither node.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.run.errors import NodeError
from app.engine.run.items import Item
from app.engine.values import conversions, paths
from app.engine.values.equality import alike, identity, loose_kind

Pair = tuple[str, str]
"""A field of the first input and the field of the second that it has to equal."""

Kinds = tuple[str | None, ...]
"""The loose kinds of an item's values, without `fuzzy` none."""

NO_FIELDS = 'You need to define at least one pair of fields in "Fields to Match" to match on'
HALF_A_PAIR = (
    'You need to define both fields in "Fields to Match" for pair {number},'
    "\n\t\t\t\t field 1 = '{first}'\n\t\t\t\t field 2 = '{second}'"
)


@dataclass(frozen=True, slots=True)
class Matches:
    """For each item of the first input the places of its partners in the second, and who has none."""

    partners: list[list[int]]
    unmatched_second: list[int]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """The places of each two that match, in the order of the first input."""
        return ((index, place) for index, places in enumerate(self.partners) for place in places)


def field_pairs(entries: Sequence[dict[str, Any]]) -> list[Pair]:
    """The pairs of a "fields to match" parameter. Raises NodeError where there is none, or half of one."""
    pairs = [(_name(entry.get("field1")), _name(entry.get("field2"))) for entry in entries]
    if pairs in ([], [("", "")]):
        raise NodeError(NO_FIELDS, anonymous=True)
    for number, (first, second) in enumerate(pairs, start=1):
        if not (first and second):
            raise NodeError(HALF_A_PAIR.format(number=number, first=first, second=second), anonymous=True)
    return pairs


def _name(given: Any) -> str:
    return conversions.to_string(given).strip() if conversions.truthy(given) else ""


def check_present(items: list[Item], names: list[str], label: str, dots: bool) -> None:
    """Raise NodeError when no item of the input has a field that it is to be matched by; nothing has to have any."""
    for name in names if items else []:
        if all(paths.get(item["json"], name, paths.MISSING, dots=dots) is paths.MISSING for item in items):
            raise NodeError(f"Field '{name}' is not present in any of items in '{label}'", anonymous=True)


def match(
    first: list[Item],
    second: list[Item],
    pairs: list[Pair],
    *,
    dots: bool,
    fuzzy: bool,
    first_only: bool,
    null_is_zero: bool = False,
) -> Matches:
    """Match every item of `first` with those of `second` that are equal in all pairs of fields.

    An item that lacks one of the fields matches nothing, but that `fuzzy` takes what the second input lacks for
    empty. `first_only` keeps one partner for each item. `null_is_zero`: `fuzzy` takes null for 0, too.
    """
    groups: dict[tuple[Any, ...], dict[Kinds, list[int]]] = {}
    for place, item in enumerate(second):
        values = _values(item["json"], [name for _, name in pairs], dots)
        if fuzzy or not _is_missing(values):
            key, kinds = _key(values, fuzzy)
            groups.setdefault(key, {}).setdefault(kinds, []).append(place)
    partners: list[list[int]] = []
    used: set[int] = set()
    known: dict[Any, list[int]] = {}
    for item in first:
        values = _values(item["json"], [name for name, _ in pairs], dots)
        if _is_missing(values):
            partners.append([])
            continue
        key = _key(values, fuzzy)
        if (places := known.get(key)) is None:  # one list for all that are alike: pairs may be very many
            places = _partners(groups, *key, null_is_zero)
            places = known[key] = places[:1] if first_only else places
            used.update(places)
        partners.append(places)
    return Matches(partners, [place for place in range(len(second)) if place not in used])


def _values(json: dict[str, Any], names: list[str], dots: bool) -> list[Any]:
    return [paths.get(json, name, paths.MISSING, dots=dots) for name in names]


def _is_missing(values: list[Any]) -> bool:
    return any(value is paths.MISSING for value in values)


def _key(values: list[Any], fuzzy: bool) -> tuple[tuple[Any, ...], Kinds]:
    """What items that may match have in common, and the loose kinds that decide it."""
    key = tuple(identity(value, fuzzy) for value in values)
    return key, tuple(loose_kind(value) for value in values) if fuzzy else ()


def _partners(
    groups: dict[tuple[Any, ...], dict[Kinds, list[int]]], key: tuple[Any, ...], kinds: Kinds, null_is_zero: bool
) -> list[int]:
    """The places of all that match, in their order. A group has few kinds, however many items."""
    fitting = [
        places
        for others, places in groups.get(key, {}).items()
        if all(alike(one, other, null_is_zero) for one, other in zip(kinds, others, strict=True))
    ]
    return fitting[0] if len(fitting) == 1 else sorted(place for places in fitting for place in places)
