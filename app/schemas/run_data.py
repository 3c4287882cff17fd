"""What a run has recorded, node by node: what is asked for, and what the answers look like."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from app.schemas.base import CamelSchema, StrictSchema, WholeNumber, query_flag
from app.schemas.pages import DEFAULT_LIMIT, MAX_LIMIT

MAX_NAME_LENGTH = 255
MAX_NUMBER = 2**31 - 1


def number_field(description: str) -> WholeNumber:
    """A whole number from 0 to MAX_NUMBER; 0 where it is not given."""
    return WholeNumber(
        load_default=0,
        validate=validate.Range(0, MAX_NUMBER),
        metadata={"description": description},
    )


class RunDataQuery(StrictSchema):
    """Which items to read; without `node` none, but the structure of the run."""

    node = fields.String(
        validate=validate.Length(1, MAX_NAME_LENGTH), metadata={"description": "Read items of the node of this name."}
    )
    run = number_field("Which of its runs, from 0.")
    output = number_field("Which of its outputs, from 0.")
    type = fields.String(
        load_default="main",
        validate=validate.Length(1, MAX_NAME_LENGTH),
        metadata={"description": "The type of connection: main, or ai_tool and the like of a sub-node."},
    )
    input = query_flag("Read what the run was given, not what it gave; `output` is the number of its input then.")
    offset = number_field("How many items to pass over.")
    limit = WholeNumber(
        load_default=DEFAULT_LIMIT,
        validate=validate.Range(1, error="Must be at least 1."),
        metadata={"description": f"How many items at most; more than {MAX_LIMIT} means {MAX_LIMIT}."},
    )

    @validates_schema(pass_original=True)
    def check_node(self, data: Mapping[str, Any], original: Mapping[str, Any], **kwargs: Any) -> None:
        """Raises ValidationError for a place of items without the node."""
        if "node" not in data:
            for name in ("run", "output", "type", "input", "offset", "limit"):
                if name in original:
                    raise ValidationError("Needs node beside it.", name)

    @post_load
    def bound(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """The query with a limit of at most MAX_LIMIT: more means MAX_LIMIT."""
        return {**data, "limit": min(data["limit"], MAX_LIMIT)}


class FailureSchema(CamelSchema):
    """An error; texts of more than 2,000 characters are cut."""

    message = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    description = fields.String(required=True, allow_none=True)
    node = fields.String(required=True, allow_none=True)


class OutputSchema(CamelSchema):
    """How many items came out at an output, and what their JSON takes."""

    items = fields.Integer(required=True)
    size_bytes = fields.Integer(required=True, metadata={"description": "Of their JSON."})
    digest = fields.String(required=True, metadata={"description": "Outputs with the same digest hold the same items."})


class SourceSchema(CamelSchema):
    """Which output of which run gave an input its items."""

    previous_node = fields.String(required=True)
    previous_node_output = fields.Integer(required=True)
    previous_node_run = fields.Integer(required=True)


class SubExecutionSchema(CamelSchema):
    """The execution of a sub-workflow."""

    execution_id = fields.String(required=True)
    workflow_id = fields.String(required=True, allow_none=True)


def outputs_field(description: str) -> fields.Dict:
    """What came out at each output, by the type of connection."""
    outputs = fields.List(fields.Nested(OutputSchema, allow_none=True))
    return fields.Dict(keys=fields.String(), values=outputs, required=True, metadata={"description": description})


class TrySchema(CamelSchema):
    """One try of a node that is run again when it fails (Retry On Fail)."""

    start_time = fields.Float(required=True, metadata={"description": "Milliseconds since 1970."})
    execution_time = fields.Float(required=True, metadata={"description": "Milliseconds, without the wait after it."})
    error = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it failed, cut; null: it succeeded."}
    )


class RunSchema(CamelSchema):
    """One run of a node."""

    execution_index = fields.Integer(required=True, allow_none=True)
    start_time = fields.Float(required=True, allow_none=True, metadata={"description": "Milliseconds since 1970."})
    execution_time = fields.Float(required=True, allow_none=True, metadata={"description": "Milliseconds."})
    execution_status = fields.String(required=True, allow_none=True)
    source = fields.List(
        fields.Nested(SourceSchema, allow_none=True),
        required=True,
        metadata={"description": "Whose outputs its inputs were."},
    )
    outputs = outputs_field("Its outputs by type of connection; null where nothing came out.")
    inputs = outputs_field(
        "What it was given in place of what its sources gave: by type of connection that of sub-nodes, and as main the "
        "items that a retry brought; null where it got what its source gave."
    )
    error = fields.Nested(FailureSchema, required=True, allow_none=True)
    hints = fields.Integer(required=True, metadata={"description": "How many hints it gave."})
    sub_execution = fields.Nested(
        SubExecutionSchema, required=True, allow_none=True, metadata={"description": "The execution that it started."}
    )
    sub_executions = fields.List(
        fields.String(), required=True, metadata={"description": "The ids of all that it started, the first 100."}
    )
    tries = fields.List(
        fields.Nested(TrySchema),
        required=True,
        metadata={"description": "Its tries where there were several, at most the last 20; else empty."},
    )


class NodeRunsSchema(CamelSchema):
    """A node and its runs, in their order."""

    name = fields.String(required=True)
    run_count = fields.Integer(required=True)
    runs = fields.List(
        fields.Nested(RunSchema),
        required=True,
        metadata={"description": "Its runs; of nodes that ran often the first, when there are over 10,000 in all."},
    )


class AttemptSchema(CamelSchema):
    """An execution of a chain of retries; a null `retryOf` is where it begins."""

    id = fields.String(required=True)
    status = fields.String(required=True)
    retry_of = fields.String(required=True, allow_none=True)
    started_at = fields.String(required=True, allow_none=True)
    stopped_at = fields.String(required=True, allow_none=True)


class RunWorkerSchema(CamelSchema):
    """The worker that runs an execution, and its machine."""

    id = fields.String(required=True)
    host = fields.String(required=True)


class RunDataSchema(CamelSchema):
    """The structure of a run (`executionId` to `nodes`), or with `node` a page of items (`node` to `items`)."""

    execution_id = fields.String()
    status = fields.String()
    recorded = fields.Boolean(metadata={"description": "Whether anything is recorded yet."})
    json_size_bytes = fields.Integer()
    last_node_executed = fields.String(allow_none=True)
    error = fields.Nested(FailureSchema, allow_none=True)
    parent_id = fields.String(allow_none=True, metadata={"description": "The execution that started this one."})
    workflow_version_id = fields.String(metadata={"description": "The version of the workflow that it runs."})
    version_saved_at = fields.String(allow_none=True)
    worker = fields.Nested(
        RunWorkerSchema,
        allow_none=True,
        metadata={"description": "The one that has it, or had it last; null for keys of a project, or if unknown."},
    )
    attempts = fields.List(
        fields.Nested(AttemptSchema),
        metadata={"description": "The execution, what it retries and what retries it, at most 100."},
    )
    nodes = fields.List(fields.Nested(NodeRunsSchema))
    node = fields.String()
    run = fields.Integer()
    type = fields.String()
    output = fields.Integer()
    input = fields.Boolean()
    offset = fields.Integer()
    total = fields.Integer(metadata={"description": "How many items there are at this output."})
    next_offset = fields.Integer(
        allow_none=True, metadata={"description": "Where the next page begins; null when nothing follows."}
    )
    items = fields.List(
        fields.Raw(),
        metadata={"description": "n8n's items, as recorded; a page ends early before it has more than 4 MiB."},
    )
