"""Credentials: bodies and answers."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from app.credentials.types import TYPES
from app.schemas.base import CamelSchema, IsoTime, StrictSchema, name_field


def check_data(kind: str, data: dict[str, Any]) -> None:
    """Raises ValidationError, which never repeats a value, for data that does not fit the type."""
    if problems := TYPES[kind].problems(data):
        raise ValidationError({"data": {name: [problem] for name, problem in problems.items()}})


class CredentialBody(StrictSchema):
    name = name_field(128, required=True)
    type = fields.String(required=True)
    data = fields.Dict(keys=fields.String(), required=True)
    project_id = fields.String(metadata={"description": "The project to put it into; the key's own by default."})

    @validates_schema
    def check(self, body: dict[str, Any], **kwargs: Any) -> None:
        if body["type"] not in TYPES:
            raise ValidationError(f"Not a known type. Known: {', '.join(TYPES)}.", "type")
        check_data(body["type"], body["data"])


class CredentialChange(StrictSchema):
    name = name_field(128)
    data = fields.Dict(keys=fields.String(), metadata={"description": "Replaces all that it held."})

    @post_load
    def complete(self, body: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if not body:
            raise ValidationError("Name what is to change: name or data.")
        return {"name": None, "data": None, **body}


class CredentialSchema(CamelSchema):
    """A credential; what it holds is never given out."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True)
    project_id = fields.String(required=True)
    is_managed = fields.Boolean(required=True, metadata={"description": "Always false."})
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class CredentialPageSchema(CamelSchema):
    data = fields.List(fields.Nested(CredentialSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CredentialTypeSchema(CamelSchema):
    """The JSON Schema of a type's data."""

    additional_properties = fields.Boolean(required=True)
    type = fields.String(required=True)
    properties = fields.Dict(required=True)
    required = fields.List(fields.String(), required=True)
