"""Audits: the body, and the report in n8n's shape."""

from marshmallow import fields, validate

from app.schemas.base import BoundedList, CamelSchema, StrictSchema

CATEGORIES = ("credentials", "database", "nodes", "filesystem", "instance")
DEFAULT_DAYS = 90


class AuditOptions(StrictSchema):
    categories = BoundedList(
        fields.String(validate=validate.OneOf(CATEGORIES)),
        validate=validate.Length(0, 20),
        metadata={"description": "What to look at; all when absent."},
    )
    days_abandoned_workflow = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, 36_500),
        metadata={"description": "A workflow that has not run for so many days is abandoned.", "default": DEFAULT_DAYS},
    )


class AuditBody(StrictSchema):
    additional_options = fields.Nested(AuditOptions, allow_none=True)


class LocationSchema(CamelSchema):
    """A credential, or a node of a workflow."""

    kind = fields.String(required=True, validate=validate.OneOf(("credential", "node")))
    id = fields.String()
    name = fields.String()
    workflow_id = fields.String()
    workflow_name = fields.String()
    node_id = fields.String()
    node_name = fields.String()
    node_type = fields.String()


class SectionSchema(CamelSchema):
    title = fields.String(required=True)
    description = fields.String(required=True)
    recommendation = fields.String(required=True)
    location = fields.List(fields.Nested(LocationSchema), required=True)


class ReportSchema(CamelSchema):
    risk = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    sections = fields.List(fields.Nested(SectionSchema), required=True)
