"""The execution object as the OpenAPI document describes it; a test keeps app.api.rendering alike."""

from marshmallow import fields, validate

from app.schemas.base import CamelSchema, IsoTime, describe, next_cursor_field
from app.vocabulary import MODES, STATUSES, VOTES


class ExecutionErrorSchema(CamelSchema):
    """Why an execution failed, so that a list tells it without data."""

    node = fields.String(required=True, allow_none=True, metadata=describe("The node that failed."))
    message = fields.String(required=True)


class TagReferenceSchema(CamelSchema):
    """A tag that an execution carries."""

    id = fields.String(required=True)
    name = fields.String(required=True)


class AnnotationSchema(CamelSchema):
    """What people have noted of an execution: a vote, tags, and a text."""

    vote = fields.String(required=True, allow_none=True, validate=validate.OneOf([*VOTES, None]))
    tags = fields.List(fields.Nested(TagReferenceSchema), required=True)
    note = fields.String(metadata=describe("What somebody wrote about it; absent when nobody did."))


class ExecutionSchema(CamelSchema):
    """One run of a workflow."""

    id = fields.String(required=True, metadata=describe("The execution's id, a decimal number.", example="1042"))
    workflow_id = fields.String(required=True, metadata={"example": "workflow_abc"})
    workflow_name = fields.String(
        required=True, metadata=describe("As it was when it ran.", example="Customer Onboarding")
    )
    project_id = fields.String(required=True, metadata={"example": "default"})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    created_at = IsoTime(required=True, metadata=describe("When it was queued."))
    started_at = IsoTime(
        required=True, metadata=describe("When it started; until then and without that, when it was queued.")
    )
    stopped_at = IsoTime(required=True, allow_none=True, metadata=describe("Null until it has ended."))
    wait_till = IsoTime(required=True, allow_none=True, metadata=describe("When a waiting one goes on."))
    retry_of = fields.String(required=True, allow_none=True, metadata=describe("The execution that this one retries."))
    retry_success_id = fields.String(required=True, allow_none=True, metadata=describe("The retry that succeeded."))
    finished = fields.Boolean(required=True, metadata=describe("True only for status success."))
    workflow_version_id = fields.String(required=True)
    json_size_bytes = fields.Integer(required=True, metadata=describe("Size of the data, 0 while there is none."))
    error = fields.Nested(
        ExecutionErrorSchema, required=True, allow_none=True, metadata=describe("Why it failed or crashed.")
    )
    input_preview = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata=describe(
            "The first fields of what it began with, by their paths, texts cut. Null while nothing is recorded, in "
            "answers to writes, and for keys without execution:read."
        ),
    )
    annotation = fields.Nested(AnnotationSchema, required=True)
    deleted_at = IsoTime(required=True, allow_none=True, metadata=describe("Always null."))
    stored_at = fields.String(required=True, metadata=describe("Where its data is: always db."))
    tracing_context = fields.Dict(required=True, allow_none=True, metadata=describe("Always null."))
    deduplication_key = fields.String(required=True, allow_none=True, metadata=describe("Always null."))
    binary_data_size_bytes = fields.Integer(required=True, metadata=describe("Always 0: files are part of the data."))
    used_private_credentials = fields.Boolean(required=True, metadata=describe("Always false."))


class DetailedExecutionSchema(ExecutionSchema):
    """One run of a workflow; with includeData=true also what it produced and what ran."""

    data = fields.Dict(
        allow_none=True,
        metadata=describe("resultData and executionData in n8n's shape; null while nothing was recorded."),
    )
    data_is_damaged = fields.Boolean(
        metadata={"description": "In a list: what is stored of its data cannot be read, so that `data` is null."}
    )
    data_too_large_to_display = fields.Boolean(
        metadata=describe(
            "True in place of data that is over the size limit, or that no longer fits into the page beside newer "
            "executions'; one by one those come, and with ignoreDataSizeLimit=true all do."
        ),
    )
    workflow_data = fields.Dict(allow_none=True, metadata=describe("The workflow as it was at the version that ran."))
    custom_data = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata=describe("What the workflow noted through $execution.customData."),
    )


class RetryAnnotationSchema(AnnotationSchema):
    """The annotation of a new execution, with the id that n8n's clients want there."""

    id = fields.Integer(required=True, metadata=describe("Always 0: an annotation has no id of its own."))


class RetrySchema(ExecutionSchema):
    """A retry that has just begun: what it produces, ran and notes is read later."""

    annotation = fields.Nested(RetryAnnotationSchema, required=True)
    data = fields.Dict(required=True)
    workflow_data = fields.Dict(required=True)
    custom_data = fields.Dict(required=True)


class ExecutionPageSchema(CamelSchema):
    """A page of executions, newest first."""

    data = fields.List(fields.Nested(DetailedExecutionSchema), required=True)
    count = fields.Integer(required=True, metadata=describe("How many match the filters, over all pages."))
    estimated = fields.Boolean(
        required=True,
        metadata=describe("Whether count is an estimate: beyond 10,000, or where counting takes over 150 ms."),
    )
    concurrent_executions_count = fields.Integer(required=True, metadata=describe("How many executions run now."))
    next_cursor = next_cursor_field()
