"""Variables: bodies, the query string of the list, and answers."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.schemas.base import CamelSchema, StrictSchema, next_cursor_field, validate_printable
from app.schemas.pages import PageQuery
from app.schemas.tags import ProjectSchema

MAX_KEY_LENGTH = 50
MAX_VALUE_LENGTH = 1_000
COMMON = "null"
"""As `projectId` of a list: the variables that belong to no project."""


def key_field(pattern: str) -> fields.String:
    """The name of a variable, which expressions write behind `$vars.`"""
    allowed = validate.Regexp(
        pattern, error="Must be letters, digits and underscores only, and not begin with a digit."
    )
    return fields.String(required=True, validate=[validate.Length(1, MAX_KEY_LENGTH), validate_printable, allowed])


class VariableChange(StrictSchema):
    """All of a variable; without `projectId` it stays where it is, null gives it to all projects."""

    id = fields.String(metadata={"description": "Passed over."})
    key = key_field(r"^[A-Za-z0-9_]+$")
    value = fields.String(required=True, validate=validate.Length(max=MAX_VALUE_LENGTH))
    type = fields.String(metadata={"description": "Passed over: all are texts."})
    project_id = fields.String(allow_none=True, validate=validate.Length(1, 64))

    @validates_schema
    def check(self, body: dict[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for a value with NUL characters, which PostgreSQL cannot store."""
        if "\x00" in body["value"]:
            raise ValidationError("Must not contain NUL characters.", "value")


class VariableBody(VariableChange):
    """A new variable; without `projectId` it is there for all projects, or for the key's own."""

    key = key_field(r"^[A-Za-z_][A-Za-z0-9_]*$")


class VariableQuery(PageQuery):
    """Which variables."""

    project_id = fields.String(
        validate=validate.Length(1, 64),
        metadata={"description": f"Those of this project; `{COMMON}`: those of all projects."},
    )
    state = fields.String(validate=validate.OneOf(["empty"]), metadata={"description": "Those without a value."})


class VariableSchema(CamelSchema):
    """A variable; without a project it is there for all of them."""

    id = fields.String(required=True)
    key = fields.String(required=True)
    value = fields.String(required=True)
    type = fields.String(required=True, metadata={"description": "Always string."})
    project = fields.Nested(ProjectSchema, required=True, allow_none=True)


class VariablePageSchema(CamelSchema):
    """A page of variables in the order of their ids."""

    data = fields.List(fields.Nested(VariableSchema), required=True)
    next_cursor = next_cursor_field()
