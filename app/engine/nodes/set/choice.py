"""Which fields of an item Edit Fields keeps, and whether its files."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.parameters import split_names
from app.engine.values import conversions, paths

ASSIGNED = 3.3
"""From this version on, fields are assignments."""
FILES_STAY = 3.4
"""From this version on, files stay where fields do; before, where that is asked for."""
_BRACKETS = re.compile(r"""\[(["'])(.*)\1\]\Z""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options and the parameters beside the fields say for an item."""

    include: str
    """Which fields of the input stay: all, none, selected or except."""
    dots: bool
    lenient: bool
    """Whether a value that is not of its field's type stays as it is."""
    binary: bool
    """Whether the item's files stay."""
    names: dict[str, Any]
    listed: int
    """How many fields are named to stay or to go, about."""


def choose(context: NodeContext, asked: dict[str, Any]) -> Choice:
    """What the parameters `asked`, with their values, choose for an item."""
    include, options = _include(context, asked), as_group(asked["options"])
    return Choice(
        include,
        dots=options.get("dotNotation", True) is not False,
        lenient=bool(options.get("ignoreConversionErrors")),
        binary=(
            include != "none" and not options.get("stripBinary")
            if context.version >= FILES_STAY
            else bool(options.get("includeBinary"))
        ),
        names=asked,
        listed=sum(given.count(",") if isinstance(given, str) else len(given) for given in _listed(asked)),
    )


def _listed(asked: dict[str, Any]) -> list[Any]:
    given = (asked.get("includeFields"), asked.get("excludeFields"))
    return [each for each in given if isinstance(each, str | list)]


def _include(context: NodeContext, asked: dict[str, Any]) -> str:
    """Which fields of the input stay: all, none, selected or except. A node that names no version keeps them all."""
    if "typeVersion" not in context.node.document:
        return "all"
    if context.version >= ASSIGNED and not conversions.truthy(asked.get("includeOtherFields")):
        return "none"
    return conversions.to_string(asked.get("include", "all"))


def select_fields(json: dict[str, Any], choice: Choice, hold: Callable[[int], None]) -> dict[str, Any]:
    """The fields of the input that stay; `hold` counts what is made for them. Raises NodeError."""
    include, values, dots = choice.include, choice.names, choice.dots
    if include == "all":
        return dict(json)
    if include == "selected":
        selected: dict[str, Any] = {}
        for name in _names(values.get("includeFields", ""), "Fields to Include", dots):
            value = paths.get(json, name, paths.MISSING, dots=dots)
            target = name.split(".")[-1] if dots else name
            if value is not paths.MISSING:
                paths.put(selected, target, value, dots=dots, hold=hold)
            elif dots and "]" in target:  # a list that is long enough for it, without it
                paths.put(selected, target, None, hold=hold)
                paths.remove(selected, target)
        return selected
    if include == "except":
        selected = dict(json)
        for name in _names(values.get("excludeFields", ""), "Fields to Exclude", dots):
            paths.remove(selected, name, dots=dots)
        return selected
    if include == "none":
        return {}
    raise NodeError(f'The include option "{include}" is not known!')


def _names(given: Any, label: str, dots: bool) -> list[str]:
    """The fields that are listed."""
    names = split_names(given, label)
    return names if dots else [unquote(name) for name in names]


def unquote(name: str) -> str:
    """A name as it is meant without dot notation: one in brackets and quotes is what stands in them."""
    match = _BRACKETS.match(name)
    return match[2] if match else name
