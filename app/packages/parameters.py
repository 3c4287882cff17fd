"""The parameters of a node as its description completes them: which are shown, and what those are that nobody has set.

Here and not in the process of the packages, because a default may be an expression of the workflow, and those are
evaluated where workflows are. Knows descriptions and values; a value that is an expression is not known yet.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from app.engine.values import conversions
from app.notation import is_expression

Json = dict[str, Any]
Path = tuple[str | int, ...]
MAX_PASSES = 8
"""So deep may one parameter be shown because of another's default."""
MAX_DEPTH = 30
STEP = re.compile(r"[^./[\]]+")


def with_defaults(properties: Sequence[Json], given: Mapping[str, Any], version: float) -> Json:
    """The parameters that are shown, with the default of each that is not given, as n8n completes them."""
    return _Completion(version).complete(properties, given, None, 0)


def described_in(listed: Any) -> list[Json]:
    """Those entries of a list of parameters, or of groups of them, that describe one; packages hold odd ones, too."""
    entries = listed if isinstance(listed, list) else ()
    return [each for each in entries if isinstance(each, dict) and isinstance(each.get("name"), str)]


def is_shown(described: Mapping[str, Any], values: Mapping[str, Any], root: Mapping[str, Any], version: float) -> bool:
    """Whether a property, or a credential, is shown beside these values; `root` are the node's parameters."""
    options = described.get("displayOptions")
    if not isinstance(options, dict):
        return True
    show, hide = options.get("show") or {}, options.get("hide") or {}
    return all(_holds(name, wanted, values, root, version) for name, wanted in show.items()) and not any(
        _holds(name, wanted, values, root, version, unknown=False) for name, wanted in hide.items()
    )


def split(value: Any) -> tuple[Any, list[tuple[Path, str]]]:
    """The value, and where its expressions stand: (path, template). Others lose a leading "="."""
    holes: list[tuple[Path, str]] = []
    return _split(value, (), holes), holes


def _split(value: Any, path: Path, holes: list[tuple[Path, str]]) -> Any:
    if isinstance(value, str):
        if value[:1] != "=":
            return value
        if "{{" not in value:
            return value[1:]
        holes.append((path, value))
        return value
    if isinstance(value, dict):
        return {name: _split(each, (*path, name), holes) for name, each in value.items()}
    if isinstance(value, list):
        return [_split(each, (*path, place), holes) for place, each in enumerate(value)]
    return value


class _Completion:
    """The completion of one node's parameters."""

    def __init__(self, version: float) -> None:
        self._version = version

    def complete(self, properties: Sequence[Json], given: Mapping[str, Any], root: Json | None, depth: int) -> Json:
        """The shown parameters of a level; one may be shown because of the default of another."""
        made: Json = {}
        waiting = described_in(properties)
        for settled in (*[False] * MAX_PASSES, True):
            left = []
            for described in waiting:
                seen = made if root is None else root
                if described["name"] in made:
                    continue
                if not self._is_decided(described, made, given, seen, settled):
                    left.append(described)
                elif is_shown(described, made, seen, self._version):
                    made[described["name"]] = self._value(described, given, seen, depth)
                else:
                    left.append(described)
            if len(left) == len(waiting) and settled:
                break
            waiting = left
        return made

    def _is_decided(self, described: Json, made: Json, given: Mapping[str, Any], seen: Json, settled: bool) -> bool:
        """Whether all is known that it depends on, or will not be known."""
        if settled:
            return True
        options = described.get("displayOptions") or {}
        names = [*(options.get("show") or {}), *(options.get("hide") or {})]
        return all(_is_known(name, made, seen) for name in names)

    def _value(self, described: Json, given: Mapping[str, Any], root: Json, depth: int) -> Any:
        name, kind = described["name"], described.get("type")
        value = _default(described) if given.get(name) is None else given[name]
        if kind == "fixedCollection":
            return self._fixed_collection(described, value if isinstance(value, dict) else {}, root, depth)
        if given.get(name) is None:
            return value
        if depth >= MAX_DEPTH:
            return value
        if kind == "collection" and isinstance(value, dict | list):
            return self._complete_each(value, lambda each: self._collection(described, each, root, depth))
        return value

    def _collection(self, described: Json, value: Json, root: Json, depth: int) -> Json:
        """The chosen options; those that nobody has chosen have no value, and not their default."""
        options = [each for each in described_in(described.get("options")) if each.get("name") in value]
        return {**value, **self.complete(options, value, root, depth + 1)}

    def _fixed_collection(self, described: Json, value: Json, root: Json, depth: int) -> Json:
        made = {}
        for name, entries in value.items():
            options = described_in(described.get("options"))
            option: Json = next((each for each in options if each.get("name") == name), {})
            complete = partial(self._entry, described_in(option.get("values")), root, depth + 1)
            made[name] = self._complete_each(entries, complete)
        return made

    def _entry(self, properties: Sequence[Json], root: Json, depth: int, value: Json) -> Json:
        return self.complete(properties, value, root, depth) if properties else value

    def _complete_each(self, value: Any, complete: Callable[[Json], Json]) -> Any:
        if isinstance(value, list):
            return [complete(each) if isinstance(each, dict) else each for each in value]
        return complete(value) if isinstance(value, dict) else value


def _default(described: Json) -> Any:
    value = deepcopy(described.get("default"))
    if described.get("type") == "resourceLocator" and isinstance(value, dict):
        return {"__rl": True, **value}
    return value


def _is_known(name: str, made: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if name.startswith("@"):
        return True
    place, values = (name[1:], root) if name.startswith("/") else (name, made)
    return next(iter(STEP.findall(place)), place) in values


def _holds(
    name: str,
    wanted: Any,
    values: Mapping[str, Any],
    root: Mapping[str, Any],
    version: float,
    *,
    unknown: bool = True,
) -> bool:
    """Whether a parameter has one of the wanted values; `unknown`: what counts for one that is an expression."""
    present = list(_values_of(name, values, root, version))
    if any(is_expression(each) for each in present):
        return unknown
    choices = wanted if isinstance(wanted, list) else [wanted]
    return any(_matches(value, choice) for value in present for choice in choices)


def _values_of(name: str, values: Mapping[str, Any], root: Mapping[str, Any], version: float) -> Iterator[Any]:
    if name == "@version":
        yield version
        return
    if name.startswith("@"):
        return
    value: Any = root if name.startswith("/") else values
    for step in STEP.findall(name):
        value = value.get(step) if isinstance(value, dict) else None
    for each in value if isinstance(value, list) else [value]:
        yield each.get("value") if isinstance(each, dict) and each.get("__rl") else each


def _matches(value: Any, wanted: Any) -> bool:
    condition = wanted.get("_cnd") if isinstance(wanted, dict) else None
    if not isinstance(condition, dict):
        return _is_same(value, wanted)
    [(name, operand), *_] = [*condition.items(), ("", None)]
    check = CONDITIONS.get(name)
    try:
        return check is not None and check(value, operand)
    except (TypeError, KeyError):
        return False


def _is_same(value: Any, wanted: Any) -> bool:
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison as JavaScript makes it: of two texts as texts, else of numbers."""

    def holds(value: Any, wanted: Any) -> bool:
        if isinstance(value, str) and isinstance(wanted, str):
            return compare(value, wanted)
        return compare(conversions.to_number(value), conversions.to_number(wanted))

    return holds


_at_least, _at_most = _ordered(operator.ge), _ordered(operator.le)

CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _is_same,
    "not": lambda value, wanted: not _is_same(value, wanted),
    "gte": _at_least,
    "lte": _at_most,
    "gt": _ordered(operator.gt),
    "lt": _ordered(operator.lt),
    "between": lambda value, wanted: _at_least(value, wanted["from"]) and _at_most(value, wanted["to"]),
    "startsWith": lambda value, wanted: str(value).startswith(wanted),
    "endsWith": lambda value, wanted: str(value).endswith(wanted),
    "includes": lambda value, wanted: wanted in str(value),
    # The expression is the package's, and may take for ever: what it decides counts as shown.
    "regex": lambda value, wanted: True,
    "exists": lambda value, wanted: value is not None and value != "",
}
