"""What a type of credential is: its fields as JSON Schema, and what of them must be there to prove a caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Field = Mapping[str, Any]

TEXT: Field = {"type": "string"}
NUMBER: Field = {"type": "number"}
BOOLEAN: Field = {"type": "boolean"}
JSON: Field = {"type": "json"}
"""A document, as a text or as it is."""
NOTICE: Field = {"type": "notice"}
"""Not a value but a sentence that n8n's form shows; clients may send it back."""
DOMAINS: dict[str, Field] = {
    "allowedHttpRequestDomains": {"type": "string", "enum": ["all", "domains", "none"]},
    "allowedDomains": TEXT,
}
"""Where the HTTP Request node may send a credential."""
_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "json": (str, dict, list),
    "notice": (str, bool),
}


def choice(*values: str) -> Field:
    """A text that is one of these."""
    return {"type": "string", "enum": list(values)}


@dataclass(frozen=True, slots=True)
class CredentialType:
    """A type by the name that n8n's workflows use. `proves_caller`: fields without which it lets nobody in.

    What belongs to a type that is `open` is not known: its data is kept as it comes. Fields that are `hidden` may be
    there, as in what n8n has stored, and nobody is told of them.
    """

    name: str
    fields: Mapping[str, Field]
    proves_caller: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    open: bool = False
    hidden: Mapping[str, Field] = field(default_factory=dict)

    def json_schema(self) -> dict[str, Any]:
        """What the data of a credential of this type has to look like."""
        fields = {name: dict(described) for name, described in self.fields.items()}
        return {
            "additionalProperties": self.open,
            "type": "object",
            "properties": fields,
            "required": list(self.required),
        }

    def problems(self, data: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with each field; the sentences repeat no value."""
        if self.open:
            return {}
        problems = {name: self._problem(name, value) for name, value in data.items()}
        problems |= {name: "Must be there." for name in self.required if name not in data}
        return {name: problem for name, problem in problems.items() if problem is not None}

    def can_prove_caller(self, data: Mapping[str, Any]) -> bool:
        """Whether nothing is empty that callers have to know."""
        return all(data.get(name) for name in self.proves_caller)

    def _problem(self, name: str, value: Any) -> str | None:
        known = self.fields.get(name) or self.hidden.get(name)
        if known is None:
            return f"Unknown field. Fields of {self.name}: {', '.join(self.fields)}."
        kind = known["type"]
        if not isinstance(value, _PYTHON[kind]) or (isinstance(value, bool) and bool not in _PYTHON[kind]):
            return f"Must be a {kind}."
        if "enum" in known and value not in known["enum"]:
            return f"Must be one of: {', '.join(known['enum'])}."
        return None
