"""Parameters that are groups of settings: one that is no group counts as empty, as for n8n.

Written by hand or by a program, a document may have anything in their place: null, a list, a text.
"""

from collections.abc import Iterable
from typing import Any

MIXED = frozenset({"options", "conditions"})
"""Groups whose lists may hold other than groups, or are read by those who know them."""

NESTED = frozenset({"additionalOptions"})
"""Groups whose lists stand one group deeper."""

CONDITIONS = "conditions"
"""What holds or does not: other than a group it is by itself."""


def as_group(value: Any) -> dict[str, Any]:
    """The value, or no settings where it is not a group of them."""
    return value if isinstance(value, dict) else {}


def read_groups(names: Iterable[str], parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters, those of these names read as groups. Options and conditions may also be an expression, conditions
    anything that is true or false."""
    changed = {}
    for name in names:
        if name in parameters and (read := _read(name, parameters[name])) is not parameters[name]:
            changed[name] = read
    return {**parameters, **changed} if changed else parameters


def _read(name: str, value: Any) -> Any:
    if name in MIXED:
        plain = isinstance(value, str | int | float) and name == CONDITIONS
        return value if plain or (isinstance(value, str) and value.startswith("=")) else as_group(value)
    group = as_group(value)
    entered = {each: entries for each, entries in group.items() if isinstance(entries, list) or name in NESTED}
    read = {each: _read_entries(entries) if isinstance(entries, list) else entries for each, entries in entered.items()}
    unchanged = len(read) == len(group) and all(read[each] is entries for each, entries in group.items())
    return group if unchanged else read


def _read_entries(entries: list[Any]) -> list[Any]:
    """The entries as groups. As for n8n, null, false, 0 and an empty text among them are none."""
    if all(isinstance(each, dict) for each in entries):
        return entries
    return [as_group(each) for each in entries if each or isinstance(each, dict | list)]
