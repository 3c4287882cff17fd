"""How far an execution is."""

from marshmallow import fields, validate

from app.schemas.base import CamelSchema, IsoTime, StrictSchema
from app.schemas.run_data import TrySchema
from app.vocabulary import STATUSES


class ProgressQuery(StrictSchema):
    """What of it to tell."""

    since = fields.String(
        validate=[
            validate.Length(max=37),
            validate.Regexp(r"^[0-9]{1,18}\.[0-9]{1,18}$", error="Must be the `version` of an answer."),
        ],
        metadata={
            "description": "The `version` of an earlier answer: only nodes that have changed since. All of them where "
            "the run has begun another part, as after a wait."
        },
    )


class NodeProgressSchema(CamelSchema):
    """How often a node has run, what it has given, and how its last run ended."""

    node = fields.String(required=True)
    runs = fields.Integer(required=True, metadata={"description": "How often it has run."})
    items = fields.List(
        fields.Integer(), required=True, metadata={"description": "How many items it has given at each output."}
    )
    status = fields.String(required=True, metadata={"description": "How its last run ended."})
    changed = fields.Integer(metadata={"description": "How many runs of all nodes there were when this was counted."})
    start_time = fields.Integer(metadata={"description": "When its last run began: milliseconds since 1970."})
    execution_time = fields.Integer(
        allow_none=True, metadata={"description": "How many milliseconds that took; null while it goes on."}
    )


class ExecutionProgressSchema(CamelSchema):
    """What a worker says of an execution that has run for more than a second, at most every second."""

    id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    current = fields.String(
        required=True, allow_none=True, metadata={"description": "The node that runs; null where it is not known."}
    )
    current_since = fields.Integer(metadata={"description": "Since when it runs: milliseconds since 1970."})
    tries = fields.List(
        fields.Nested(TrySchema),
        required=True,
        metadata={"description": "How that node was tried so far, where it has failed and may be run again."},
    )
    nodes = fields.List(
        fields.Nested(NodeProgressSchema),
        required=True,
        metadata={"description": "Those that have run, the last one last, up to 500; none of one that does not run."},
    )
    version = fields.String(
        required=True, allow_none=True, metadata={"description": "Given as `since`, it asks for what comes after."}
    )
    changed_at = IsoTime(required=True, allow_none=True, metadata={"description": "When the worker said so."})
