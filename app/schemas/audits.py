"""Audits: the body, and the report in n8n's shape."""

from marshmallow import fields, validate

from app.schemas.base import BoundedList, StrictSchema

CATEGORIES = ("credentials", "database", "nodes", "filesystem", "instance")
DEFAULT_DAYS = 90


class AuditOptions(StrictSchema):
    """What to look at, in n8n's names; each may be absent."""

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
    """The options are all that there is; without a body everything is looked at."""

    additional_options = fields.Nested(AuditOptions, allow_none=True)


TEXT = {"type": "string"}
LOCATION = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["credential", "node"]},
        **dict.fromkeys(("id", "name", "workflowId", "workflowName", "nodeId", "nodeName", "nodeType"), TEXT),
    },
    "required": ["kind"],
}
SECTION = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("title", "description", "recommendation"), TEXT),
        "location": {"type": "array", "items": LOCATION},
    },
    "required": ["title", "description", "recommendation", "location"],
}
REPORT = {
    "type": "object",
    "properties": {
        "risk": {"type": "string", "enum": list(CATEGORIES)},
        "sections": {"type": "array", "items": SECTION},
    },
    "required": ["risk", "sections"],
}
ANSWER = {
    "description": "A report for each category that has findings; an empty list where there are none.",
    "anyOf": [{"type": "object", "additionalProperties": REPORT}, {"type": "array", "maxItems": 0}],
}
"""As n8n answers, in JSON Schema: marshmallow has no word for either of two."""
