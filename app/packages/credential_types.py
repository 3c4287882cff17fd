"""Credential types as the manifests of packages describe them: what their data has to look like.

A type has the fields of those that it extends, as far as it does not say anything else about them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.credentials.credential_type import DOMAINS, JSON, CredentialType, Field
from app.credentials.types import TYPES
from app.notation import is_expression
from app.packages.manifest import Find, PackagedCredential, family_of

OAUTH = ("oAuth1Api", "oAuth2Api")
PLAIN = ("string", "number", "boolean", "json", "notice")
_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "json": (str, dict, list, int, float, bool, type(None)),
    "notice": (str, bool),
}


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """Where all of `when` hold (field: values), the fields of `needed` must be there."""

    when: Mapping[str, Sequence[Any]]
    needed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackagedType(CredentialType):
    """A type of a package. Fields that are `unseen` may be there, and no form shows them."""

    unseen: frozenset[str] = frozenset()
    conditions: tuple[FieldCondition, ...] = ()

    def json_schema(self) -> dict[str, Any]:
        """What the data of a credential of this type has to look like."""
        schema: dict[str, Any] = {
            "additionalProperties": False,
            "type": "object",
            "properties": {name: dict(field) for name, field in self.fields.items()},
        }
        if self.conditions:
            schema["allOf"] = [_rule(condition) for condition in self.conditions]
        return {**schema, "required": list(self.required)}

    def problems(self, data: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with each field; the sentences repeat no value."""
        wrong = {name: problem for name, value in data.items() if (problem := self._wrong(name, value)) is not None}
        needed = [*self.required]
        for condition in self.conditions:
            if all(name in data and data[name] in values for name, values in condition.when.items()):
                needed += condition.needed
        return wrong | {name: "Must be there." for name in needed if name not in data}

    def _wrong(self, name: str, value: Any) -> str | None:
        if name in self.unseen:
            return None
        field = self.fields.get(name)
        if field is None:
            return f"Unknown field. Fields of {self.name}: {', '.join(self.fields)}."
        if "enum" in field:
            values = field["enum"]
            return (
                None if value in values or is_expression(value) else f"Must be one of: {', '.join(map(str, values))}."
            )
        kinds = _PYTHON[field["type"]]
        fits = isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)
        return None if fits or is_expression(value) else f"Must be a {field['type']}."


def packaged_type(credential: PackagedCredential, find: Find) -> PackagedType:
    """The type that a package describes; `find` gives the packages' types that it may extend."""
    described: dict[str, Mapping[str, Any]] = {}
    fields: dict[str, Field] = {}
    family = family_of(credential, find)
    for parent in [name for each in family for name in each.extends if find(name) is None and name in TYPES]:
        fields |= TYPES[parent].fields
    for each in reversed(family):
        for document in each.properties:
            if isinstance(name := document.get("name"), str):
                described[name] = document
    unseen = {name for name, document in described.items() if document.get("type") == "hidden"}
    fields = {name: field for name, field in fields.items() if name not in unseen}
    fields |= {name: _field(document) for name, document in described.items() if name not in unseen}
    names = {each.name for each in family} | {name for each in family for name in each.extends}
    if any(each.authenticate is not None for each in family) or names & {*OAUTH}:
        fields |= DOMAINS
    if names & {*OAUTH}:
        fields["oauthTokenData"] = JSON
        # What an n8n has left there while somebody consented.
        unseen |= {name for parent in OAUTH for name in TYPES[parent].hidden if name not in fields}
    needed = [name for name, document in described.items() if document.get("required") is True and name not in unseen]
    return PackagedType(
        credential.name,
        fields,
        required=tuple(name for name in needed if not _shown_when(described[name])),
        unseen=frozenset(unseen),
        conditions=tuple(_conditions(described, needed)),
    )


def _field(document: Mapping[str, Any]) -> Field:
    kind = document.get("type")
    if kind == "options":
        options = document.get("options")
        values = [each["value"] for each in options or [] if isinstance(each, Mapping) and "value" in each]
        if values:
            return {"type": "string", "enum": values} if isinstance(values[0], str) else {"enum": values}
        return {"type": "string"}
    return {"type": kind if kind in PLAIN else "json"}


def _shown_when(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    options = document.get("displayOptions")
    show = options.get("show") if isinstance(options, Mapping) else None
    return (
        {str(name): values for name, values in show.items() if isinstance(values, list)}
        if isinstance(show, Mapping)
        else {}
    )


def _conditions(described: Mapping[str, Mapping[str, Any]], needed: Sequence[str]) -> list[FieldCondition]:
    conditions: list[FieldCondition] = []
    for name in needed:
        if not (when := _shown_when(described[name])):
            continue
        same = next((each for each in conditions if each.when == when), None)
        if same is not None:
            conditions[conditions.index(same)] = FieldCondition(when, (*same.needed, name))
        else:
            conditions.append(FieldCondition(when, (name,)))
    return conditions


def _rule(condition: FieldCondition) -> dict[str, Any]:
    """A condition as JSON Schema."""
    properties = {name: {"enum": list(values)} for name, values in condition.when.items()}
    return {
        "if": {"properties": properties, "required": list(condition.when)},
        "then": {"allOf": [{"required": [name]} for name in condition.needed]},
    }
