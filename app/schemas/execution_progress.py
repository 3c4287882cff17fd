"""How far an execution is."""

from marshmallow import fields, validate

from app.schemas.base import CamelSchema, IsoTime
from app.vocabulary import STATUSES


class NodeProgressSchema(CamelSchema):
    node = fields.String(required=True)
    runs = fields.Integer(required=True, metadata={"description": "How often it has run."})
    items = fields.List(
        fields.Integer(), required=True, metadata={"description": "How many items it has given at each output."}
    )
    status = fields.String(required=True, metadata={"description": "How its last run ended."})


class ExecutionProgressSchema(CamelSchema):
    """What a worker says of an execution that has run for more than a second, at most every second."""

    id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    current = fields.String(
        required=True, allow_none=True, metadata={"description": "The node that runs; null where it is not known."}
    )
    nodes = fields.List(
        fields.Nested(NodeProgressSchema),
        required=True,
        metadata={"description": "Those that have run, the last one last, up to 500; none of one that does not run."},
    )
    changed_at = IsoTime(required=True, allow_none=True, metadata={"description": "When the worker said so."})
