"""What is wrong with the parameters of a package's node before it runs, as far as they are no expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.engine.nodes.shared.issues import Mapped
from app.engine.run.issues import Issue
from app.engine.values import conversions
from app.packages.parameters import described_in, is_shown, with_defaults

Json = dict[str, Any]


def find_issues(properties: Sequence[Json], given: Mapping[str, Any], version: float) -> list[Issue]:
    """The shown parameters that have to have a value and have none, and mapped fields that are not of their types."""
    made = with_defaults(properties, given, version)
    found: dict[str, list[Issue]] = {}
    for described in described_in(properties):
        name = described["name"]
        is_open = name in made and name not in found and is_shown(described, made, made, version)
        if is_open and (issues := list(_issues_of(described, made))):
            found[name] = issues
    return [issue for issues in found.values() for issue in issues]


def _issues_of(described: Json, made: Json) -> Iterator[Issue]:
    name, label = described["name"], str(described.get("displayName") or described["name"])
    if described.get("required") and _is_empty(made[name]):
        yield Issue(name, f'Parameter "{label}" is required.')
    elif described.get("type") == "resourceMapper":
        yield from Mapped(name, _word_of_fields(described)).find(made)


def _word_of_fields(described: Json) -> str | None:
    """What a mapper calls a field that is required; None where none is, as when rows are changed."""
    options = (described.get("typeOptions") or {}).get("resourceMapper")
    words = options.get("fieldWords") if isinstance(options, dict) and options.get("mode") == "add" else None
    word = words.get("singular") if isinstance(words, dict) else None
    return word[:1].upper() + word[1:] if isinstance(word, str) and word else None


def _is_empty(value: Any) -> bool:
    if isinstance(value, dict) and value.get("__rl"):
        value = value.get("value")
    return value is None or conversions.to_string(value) == "" if not isinstance(value, dict | list) else not value
