"""What the API answers of workflows: one, their pages, and their versions."""

from marshmallow import INCLUDE, fields

from app.schemas.base import CamelSchema, IsoTime, StrictBoolean, describe, next_cursor_field
from app.schemas.tags import ProjectSchema, TagSchema

FOLDER = "The name of the folder that a workflow had in the n8n that it came from; null of all others."


class SharedSchema(CamelSchema):
    """Which project a workflow belongs to, in n8n's shape; there is one, as its owner."""

    role = fields.String(required=True)
    workflow_id = fields.String(required=True)
    project_id = fields.String(required=True)
    project = fields.Nested(ProjectSchema, required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class VersionSummarySchema(CamelSchema):
    """A line of a workflow's history."""

    version_id = fields.String(required=True)
    workflow_id = fields.String(required=True)
    authors = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    description = fields.String(required=True, allow_none=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)


class HistoryPageSchema(CamelSchema):
    """A page of versions, the newest first."""

    data = fields.List(fields.Nested(VersionSummarySchema), required=True)
    next_cursor = next_cursor_field()


class TestRunPageSchema(CamelSchema):
    """A page of evaluations; always empty, since nothing here evaluates workflows."""

    data = fields.List(fields.Dict(), required=True)
    next_cursor = next_cursor_field()


class VersionSchema(VersionSummarySchema):
    """What a workflow was at one save."""

    nodes = fields.List(fields.Dict(), required=True)
    connections = fields.Dict(required=True)
    node_groups = fields.List(fields.Dict(), required=True)


class ActiveVersionSchema(VersionSchema):
    """The version that triggers start, with the fields that n8n's clients want there."""

    autosaved = StrictBoolean(required=True)
    workflow_publish_history = fields.List(fields.Dict(), required=True)


class WorkflowSchema(CamelSchema):
    """A workflow at its current version, with whatever else its document held."""

    class Meta:
        unknown = INCLUDE

    id = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(allow_none=True)
    active = StrictBoolean(required=True)
    active_version_id = fields.String(required=True, allow_none=True)
    project_id = fields.String(required=True)
    created_at = IsoTime(required=True)
    updated_at = IsoTime(required=True)
    is_archived = StrictBoolean(required=True)
    active_version = fields.Nested(
        ActiveVersionSchema,
        required=True,
        allow_none=True,
        metadata=describe("The version that its triggers start; null of one that is not active."),
    )
    version_id = fields.String(required=True)
    version_counter = fields.Integer(required=True, metadata=describe("Always 1."))
    source_workflow_id = fields.String(required=True, allow_none=True, metadata=describe("Always null."))
    parent_folder = fields.Dict(required=True, allow_none=True, metadata=describe(FOLDER))
    node_groups = fields.List(fields.Dict(), required=True)
    trigger_count = fields.Integer(required=True)
    nodes = fields.List(fields.Dict(), required=True)
    connections = fields.Dict(required=True)
    settings = fields.Dict(required=True, allow_none=True)
    static_data = fields.Raw(required=True, allow_none=True)
    pin_data = fields.Dict(allow_none=True)
    meta = fields.Raw(required=True, allow_none=True)
    tags = fields.List(fields.Nested(TagSchema), required=True)
    shared = fields.List(fields.Nested(SharedSchema), required=True)


class WorkflowPageSchema(CamelSchema):
    """A page of workflows in the order of their ids."""

    data = fields.List(fields.Nested(WorkflowSchema), required=True)
    next_cursor = next_cursor_field()
