"""Answers of the calls that change many executions, and of what goes on after them in the background."""

from marshmallow import fields

from app.schemas.base import CamelSchema, next_cursor_field

TOUCHED_BY = "Lists the executions that it has {}, for a week at most: GET /executions?touchedBy=."


class TaggedSchema(CamelSchema):
    """How far the tagging of many executions is, page by page."""

    tagged = fields.Integer(required=True, metadata={"description": "How many executions of this call carry them now."})
    next_cursor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where the next call goes on; null when all that match are tagged."},
    )
    touched_by = fields.String(metadata={"description": TOUCHED_BY.format("tagged, with the calls before")})


class StoppedSchema(CamelSchema):
    """How many executions were stopped, as documented."""

    stopped = fields.Integer(required=True, metadata={"description": "How many executions were stopped."})
    touched_by = fields.String(metadata={"description": TOUCHED_BY.format("stopped")})


class SuccessSchema(CamelSchema):
    """It was done; what cannot be done answers with an error. As documented."""

    success = fields.Boolean(required=True)


class DeletedSchema(SuccessSchema):
    """They are deleted, or with `job` will be."""

    job = fields.String(
        metadata={"description": "Too many to wait for: they are deleted in the background, and this is the job's id."}
    )


class DeletionJobSchema(CamelSchema):
    """How far a deletion in the background is."""

    id = fields.String(required=True)
    finished = fields.Boolean(required=True)
    deleted = fields.Integer(required=True, metadata={"description": "How many executions were deleted so far."})
    created_at = fields.String(required=True)
    finished_at = fields.String(required=True, allow_none=True)


class RetryResultSchema(CamelSchema):
    """What became of one: `retryId`, or `message` saying why there is none; neither in a dry run."""

    id = fields.String(required=True)
    retry_id = fields.String()
    message = fields.String()


class RetryManySchema(CamelSchema):
    """What became of each execution, or with `job` how many there are."""

    retried = fields.Integer(required=True, metadata={"description": "How many retries were queued."})
    results = fields.List(fields.Nested(RetryResultSchema), required=True)
    matched = fields.Integer(
        metadata={"description": "In a dry run, and with `job`: how many match, 10,000 at most; absent for more."}
    )
    job = fields.String(
        metadata={"description": "Too many to wait for: they are retried in the background, and this is the job's id."}
    )
    touched_by = fields.String(metadata={"description": TOUCHED_BY.format("queued as retries")})


class RetryJobStateSchema(CamelSchema):
    """How far retries in the background are."""

    id = fields.String(required=True)
    finished = fields.Boolean(required=True)
    matched = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "How many matched when it was asked for; null: over 10,000."},
    )
    retried = fields.Integer(required=True, metadata={"description": "How many retries were queued so far."})
    refused = fields.Integer(required=True, metadata={"description": "How many could not be retried."})
    created_at = fields.String(required=True)
    finished_at = fields.String(required=True, allow_none=True)
    touched_by = fields.String(
        required=True, allow_none=True, metadata={"description": TOUCHED_BY.format("queued as retries")}
    )


class RetryJobSchema(RetryJobStateSchema):
    """How far retries in the background are, and a page of what became of each execution."""

    results = fields.List(fields.Nested(RetryResultSchema), required=True)
    next_cursor = next_cursor_field()


class RetryJobPageSchema(CamelSchema):
    """A page of retries in the background, the newest first."""

    data = fields.List(fields.Nested(RetryJobStateSchema), required=True)
    next_cursor = next_cursor_field()


class DeletionJobPageSchema(CamelSchema):
    """A page of deletions in the background, the newest first."""

    data = fields.List(fields.Nested(DeletionJobSchema), required=True)
    next_cursor = next_cursor_field()
