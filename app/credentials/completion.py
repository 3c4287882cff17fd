"""What a credential's type adds to its data: defaults of the type's own fields, and of the types that it extends.

n8n stores what somebody has entered; where a provider is asked stands in the definition of the type, as hidden fields
with defaults. Definitions have the shape that node packages give them: `{"extends": [names], "properties": [{"name",
"default"}]}`, by the name of the type.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.notation import is_expression

Definition = Mapping[str, Any]
Definitions = Mapping[str, Definition]
Evaluate = Callable[[str, Mapping[str, Any]], Any]
"""What an expression of a definition (`={{$self["server"]}}`) comes to with the data as `$self`; None: unknown."""

MAX_ANCESTORS = 20
WORD = re.compile(r"\w{1,100}")
PART = re.compile(r"\{\{([^{}]{0,20000})\}\}")
FIELD = re.compile(r"""\s*\$self(?:\.(\w{1,100})|\[["'](\w{1,100})["']\])\s*\Z""")
CHOICE = re.compile(
    r"""\s*\$self(?:\.|\[["'])(\w{1,100})(?:["']\])?\s*\?\s*\$self(?:\.|\[["'])(\w{1,100})(?:["']\])?\s*:\s*"""
    r"""(?:"([^"\\]{0,20000})"|'([^'\\]{0,20000})')\s*\Z"""
)


def ancestry(kind: str, definitions: Definitions) -> list[str]:
    """The type and those that it extends, nearest first."""
    ancestors: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in ancestors or len(ancestors) >= MAX_ANCESTORS:
            return
        ancestors[name] = None
        for parent in definitions.get(name, {}).get("extends") or ():
            visit(str(parent))

    visit(kind)
    return list(ancestors)


def extends(kind: str, parent: str, definitions: Definitions) -> bool:
    """Whether a type is the other one or extends it, directly or not."""
    return parent in ancestry(kind, definitions)


def complete(
    kind: str, data: Mapping[str, Any], definitions: Definitions, evaluate: Evaluate | None = None
) -> dict[str, Any]:
    """The data with the defaults of its type where it says nothing itself.

    A default that is an expression is left out when its value cannot be told.
    """
    defaults = _defaults(kind, definitions)
    completed = {name: value for name, value in defaults.items() if not is_expression(value)} | dict(data)
    for name, value in defaults.items():
        if is_expression(value) and not data.get(name):
            evaluated = _evaluate_text(value, completed, evaluate)
            if evaluated is not None:
                completed[name] = evaluated
    return completed


def fields_behind(kind: str, names: Iterable[str], definitions: Definitions) -> frozenset[str]:
    """These names, and every word of the expressions that are their defaults, and so on for those words: all fields of
    the type that the values of these fields may depend on are among them."""
    defaults, found, left = _defaults(kind, definitions), set[str](), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += WORD.findall(defaults[name]) if is_expression(defaults.get(name)) else ()
    return frozenset(found)


def _defaults(kind: str, definitions: Definitions) -> dict[str, Any]:
    """The default of each field; that of the nearest type."""
    defaults: dict[str, Any] = {}
    for name in reversed(ancestry(kind, definitions)):
        defaults |= {each["name"]: each.get("default") for each in _properties(definitions.get(name, {}))}
    return defaults


def _properties(definition: Definition) -> Iterator[Mapping[str, Any]]:
    for each in definition.get("properties") or ():
        if isinstance(each, Mapping) and isinstance(each.get("name"), str) and each.get("type") != "notice":
            yield each


def _evaluate_text(text: str, data: Mapping[str, Any], evaluate: Evaluate | None) -> Any:
    """What an expression comes to: what names fields, and chooses between a field and a text, is read here."""
    parts = PART.split(text[1:])
    values = [_simple(part, data) if place % 2 else _literal_text(part) for place, part in enumerate(parts)]
    known = [value for value in values if value is not None]
    if len(known) == len(values):
        return "".join(known)
    return None if evaluate is None else evaluate(text, data)


def _literal_text(text: str) -> str | None:
    """Text between expressions; None where one with braces of its own is left in it."""
    return None if "{{" in text else text


def _simple(expression: str, data: Mapping[str, Any]) -> str | None:
    if named := FIELD.match(expression):
        return _text(data, named[1] or named[2])
    if chosen := CHOICE.match(expression):
        literal = chosen[3] if chosen[3] is not None else chosen[4]
        return _text(data, chosen[2]) if data.get(chosen[1]) else literal
    return None


def _text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return str(value) if isinstance(value, str | int | float) else None
