"""Credentials: bodies and answers."""

import re
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.credentials.credential_type import CredentialType
from app.schemas.base import (
    MAX_FIELDS,
    CamelSchema,
    IsoTime,
    StrictBoolean,
    StrictSchema,
    encode_json,
    name_field,
    next_cursor_field,
    project_id_field,
)

MAX_DATA_BYTES = 256 * 1024
"""Bytes of JSON: of types that are not known here nothing else is known."""
TYPE_NAME = re.compile(r"^[A-Za-z0-9_.-]{1,128}$")
NOT_HERE = "Is not available: a credential belongs to one project, and nobody signs in to use it."


def check_size(data: dict[str, Any]) -> None:
    """Raises ValidationError for data that is too large, whatever its type."""
    if len(encode_json(data)) > MAX_DATA_BYTES:
        raise ValidationError({"data": [f"Must not be more than {MAX_DATA_BYTES:,} bytes of JSON."]})
    if len(data) > MAX_FIELDS:
        raise ValidationError({"data": ["Has too many fields."]})


def check_data(kind: CredentialType, data: dict[str, Any]) -> None:
    """Raises ValidationError, which never repeats a value, for data that does not fit the type."""
    check_size(data)
    if problems := kind.problems(data):
        raise ValidationError({"data": {name: [problem] for name, problem in problems.items()}})


def type_field(**options: Any) -> fields.String:
    """The name of a type of credential."""
    fits = validate.Regexp(TYPE_NAME, error="Must be at most 128 letters, digits, dots, dashes and underscores.")
    return fields.String(validate=[fits, validate.ContainsNoneOf("\n", error="Must be one line.")], **options)


class SharingSchema(StrictSchema):
    """What n8n's clients may say of how a credential is shared; false is all that there is."""

    is_global = StrictBoolean(validate=validate.Equal(False, error=NOT_HERE))
    is_resolvable = StrictBoolean(validate=validate.Equal(False, error=NOT_HERE))


class CredentialBody(SharingSchema):
    """A new credential. Data of a type that is not known is kept unchecked, as n8n does."""

    name = name_field(128, required=True)
    type = type_field(required=True)
    data = fields.Dict(keys=fields.String(), required=True)
    project_id = project_id_field("The project to put it into; the key's own by default.")

    @validates_schema(skip_on_field_errors=True)
    def check(self, body: dict[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for data that is too large; whether it fits its type is checked later."""
        check_size(body["data"])


class CredentialChange(SharingSchema):
    """What is not named stays."""

    name = name_field(128, load_default=None)
    type = type_field(load_default=None, metadata={"description": "Another type needs the data for it, too."})
    data = fields.Dict(keys=fields.String(), load_default=None, metadata={"description": "Replaces all that it held."})
    is_partial_data = StrictBoolean(
        load_default=False, metadata={"description": "Let what `data` does not name stay as it was."}
    )


class CredentialSchema(CamelSchema):
    """A credential; what it holds is never given out."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    type = fields.String(required=True)
    project_id = fields.String(required=True)
    is_managed = fields.Boolean(required=True, metadata={"description": "Always false."})
    is_global = fields.Boolean(required=True, metadata={"description": "Always false."})
    is_resolvable = fields.Boolean(required=True, metadata={"description": "Always false."})
    resolvable_allow_fallback = fields.Boolean(required=True, metadata={"description": "Always false."})
    resolver_id = fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class DeletedCredentialSchema(CredentialSchema):
    """The credential as it was before it was deleted."""

    usage_scope = fields.String(required=True, metadata={"description": "Always project."})


class OwnerSchema(CamelSchema):
    """The project that a credential belongs to."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, metadata={"description": "Always credential:owner."})
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class ListedCredentialSchema(CredentialSchema):
    """A credential of a list, with the project that has it."""

    shared = fields.List(fields.Nested(OwnerSchema), required=True)


class CredentialPageSchema(CamelSchema):
    """A page of credentials in the order of their ids."""

    data = fields.List(fields.Nested(ListedCredentialSchema), required=True)
    next_cursor = next_cursor_field()


class CredentialTypeSchema(CamelSchema):
    """The JSON Schema of a type's data; of a type that is not known here, an object with any fields."""

    additional_properties = fields.Boolean(required=True)
    type = fields.String(required=True)
    properties = fields.Dict(required=True)
    required = fields.List(fields.String(), required=True)


class CredentialTestSchema(CamelSchema):
    """Whether what it is for takes the credential."""

    status = fields.String(required=True, validate=validate.OneOf(["OK", "Error"]))
    message = fields.String(required=True)


class ConsentSchema(CamelSchema):
    """Where somebody consents."""

    authorization_url = fields.String(required=True, metadata={"description": "To be opened in a browser."})
