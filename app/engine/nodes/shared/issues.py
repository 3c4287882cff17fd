"""What is wrong with a node's parameters before anything has run: required ones left empty, values of another type.

A node lists its rules in the order of n8n's editor. A rule counts where the editor would show its parameter: where
all of `when` hold (parameter: values), none of `unless`, and in versions from `since` to below `below`. Where a
parameter of `when` is an expression, its value is not known yet, and the rule counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import dates
from app.dates import DATE_HINT
from app.engine.run.groups import as_group
from app.engine.run.issues import Issue
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.notation import is_expression

Values = Mapping[str, Sequence[Any]]
_CHOSEN = frozenset({"__rl", "mode", "value"})
"""What an object has that stands for a choice from a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayRule:
    """Where a parameter is shown."""

    when: Values = field(default_factory=dict)
    unless: Values = field(default_factory=dict)
    since: float = 0
    below: float = float("inf")

    def holds(self, parameters: dict[str, Any], version: float) -> bool:
        """Whether a node of this version with these parameters shows it; an expression may be any value."""
        if not self.since <= version < self.below:
            return False
        for name, values in self.when.items():
            given = parameters.get(name)
            if is_expression(given):
                return True
            if not _is_among(given, values):
                return False
        return not any(_is_among(parameters.get(name), values) for name, values in self.unless.items())


@dataclass(frozen=True, slots=True)
class Required(DisplayRule):
    """A parameter that must not be empty; `label` is what the editor calls it.

    `inside` is the list that it stands in: the names of a parameter and of its part. `listed`: its value is chosen
    from a list, and is an object that says which.
    """

    name: str
    label: str
    default: Any = ""
    inside: tuple[str, str] | None = None
    listed: bool = field(default=False, kw_only=True)

    def find(self, parameters: dict[str, Any]) -> Iterator[Issue]:
        """An issue for each entry in which it is empty; with its default it is not, unless that is empty."""
        for entry in [parameters] if self.inside is None else _entries(parameters, *self.inside):
            given = entry.get(self.name)
            value = self.default if given is None else given
            if _names_nothing(value) if self.listed else value in (None, ""):
                yield Issue(self.name, f'Parameter "{self.label}" is required.')


@dataclass(frozen=True, slots=True)
class Typed(DisplayRule):
    """A parameter whose value must be of a type, or text that can be made one. The editor has it `times` times."""

    name: str
    kind: str
    default: Any = None
    times: int = 1

    def find(self, parameters: dict[str, Any]) -> Iterator[Issue]:
        """The issues of the value, or of the default, `times` times as the editor has them."""
        given = parameters.get(self.name)
        yield from of_type(self.name, self.default if given is None else given, self.kind) * self.times


@dataclass(frozen=True, slots=True)
class Mapped(DisplayRule):
    """A parameter that maps values to the fields of a schema that it holds.

    Those that are required must be there where `label`, what the editor calls a field, is given.
    """

    name: str
    label: str | None = None

    def find(self, parameters: dict[str, Any]) -> Iterator[Issue]:
        """The issues of its fields, in the order of the schema; none where it maps automatically."""
        mapping = as_group(parameters.get(self.name))
        if mapping.get("mappingMode", "defineBelow") != "defineBelow":
            return
        values, schema = as_group(mapping.get("value")), mapping.get("schema")
        for entry in schema if isinstance(schema, list) else ():
            identity = as_group(entry).get("id")
            if not isinstance(identity, str):
                continue
            if self.label is not None and entry.get("required") and identity not in values:
                yield Issue(f"{self.name}.{identity}", f'{self.label} "{identity}" is required')
            kind = str(entry.get("type"))
            for issue in of_type(identity, values.get(identity), kind) if kind != "options" else ():
                yield Issue(f"{self.name}.{identity}", issue.message)


@dataclass(frozen=True, slots=True)
class RequiredCredential(DisplayRule):
    """A type of credentials that the node cannot do without."""

    kind: str


def rules(
    *given: Required | Typed | Mapped, defaults: Mapping[str, Any] | None = None
) -> Callable[[dict[str, Any], float], list[Issue]]:
    """What `@node(issues=...)` takes: the issues that the rules find. `defaults`: of the parameters in `when`."""

    def find(parameters: dict[str, Any], version: float) -> list[Issue]:
        filled = _fill_defaults(parameters, defaults)
        return [issue for rule in given if rule.holds(filled, version) for issue in rule.find(parameters)]

    return find


def credentials(
    *given: RequiredCredential, defaults: Mapping[str, Any] | None = None
) -> Callable[[dict[str, Any], float], list[str]]:
    """What `@node(credentials=...)` takes: the types of credentials that a node must name."""

    def needed_types(parameters: dict[str, Any], version: float) -> list[str]:
        filled = _fill_defaults(parameters, defaults)
        return [each.kind for each in given if each.holds(filled, version)]

    return needed_types


def required(parameters: dict[str, Any], **labels: str) -> list[Issue]:
    """An issue for each of the named parameters that is empty or missing; the label is what the editor calls it."""
    return [issue for name, label in labels.items() for issue in Required(name, label).find(parameters)]


def of_type(name: str, value: Any, kind: str) -> list[Issue]:
    """An issue if the value is not of the type and cannot be made one; expressions are not known yet."""
    if value is None or is_expression(value):
        return []
    try:
        if kind == "dateTime":
            if isinstance(value, str) and dates.parse(value) is not None:
                return []
        elif value != "" or kind in ("string", "number"):
            conversions.convert(value, kind)
            return []
    except CannotConvert:
        pass
    return [
        Issue(name, f"'{name}' expects a {kind} but we got {_show(value)}{DATE_HINT if kind == 'dateTime' else ''}")
    ]


def _fill_defaults(parameters: dict[str, Any], defaults: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(defaults or {}), **{name: value for name, value in parameters.items() if value is not None}}


def _show(value: Any) -> str:
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else f"'{conversions.display(value)}'"


def _is_among(given: Any, values: Sequence[Any]) -> bool:
    return any(given == value and isinstance(given, bool) == isinstance(value, bool) for value in values)


def _names_nothing(value: Any) -> bool:
    """Whether nothing was chosen from a list. Another object is something, if wrong."""
    if isinstance(value, dict):
        return not value.get("value") and (not value or not value.keys().isdisjoint(_CHOSEN))
    return value is None or value == ""


def _entries(parameters: dict[str, Any], name: str, part: str) -> list[dict[str, Any]]:
    return (parameters.get(name) or {}).get(part) or []
