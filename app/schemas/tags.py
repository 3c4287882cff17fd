"""Tags and projects: names with ids and times."""

from typing import Any

from marshmallow import fields, pre_load

from app.schemas.base import CamelSchema, IsoTime, StrictSchema, describe, name_field, next_cursor_field


class NameBody(StrictSchema):
    """The name of a tag or a project."""

    name = name_field(128, required=True, metadata=describe("Without the blanks around it."))

    @pre_load
    def strip_name(self, given: Any, **_: Any) -> Any:
        """The body with its name as n8n keeps it."""
        name = given.get("name") if isinstance(given, dict) else None
        return {**given, "name": name.strip()} if isinstance(name, str) else given


class NamedSchema(CamelSchema):
    """What has a name, an id and times."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class TagSchema(NamedSchema):
    """A tag of executions and workflows."""


class ProjectSchema(NamedSchema):
    """What workflows, executions and keys belong to."""

    type = fields.String(required=True, metadata={"description": "Always team."})
    icon = fields.Dict(required=True, allow_none=True, metadata={"description": "Always null."})
    description = fields.String(required=True, allow_none=True, metadata={"description": "Always null."})
    custom_telemetry_tags = fields.List(fields.Dict(), required=True, metadata={"description": "Always empty."})
    creator_id = fields.String(required=True, allow_none=True, metadata={"description": "Always null."})


class NewProjectSchema(ProjectSchema):
    """A project, and what the key that made it may do."""

    role = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)


class TagPageSchema(CamelSchema):
    """A page of tags in the order of their ids."""

    data = fields.List(fields.Nested(TagSchema), required=True)
    next_cursor = next_cursor_field()


class ProjectPageSchema(CamelSchema):
    """A page of projects in the order of their ids."""

    data = fields.List(fields.Nested(ProjectSchema), required=True)
    next_cursor = next_cursor_field()
