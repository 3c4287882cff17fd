"""Problems: failures that have something in common."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields, validate

from app.schemas.base import (
    BoundedList,
    CamelSchema,
    IsoTime,
    StrictBoolean,
    StrictSchema,
    any_of,
    describe,
    next_cursor_field,
    parse_execution_id,
)
from app.schemas.cursors import InvalidCursor
from app.schemas.execution_actions import RetryBody
from app.schemas.pages import PageQuery

PROBLEM_STATUSES = ("open", "handled", "muted")
TRENDS = {"hours": timedelta(hours=1), "days": timedelta(days=1)}
LENGTHS = {"hours": 48, "days": 30}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATEST = 253_370_764_800_000_000
"""Microseconds until the year 9999."""
STATUS = (
    "handled is open again when the problem comes with a version of the workflow that is newer than any that had it; "
    "muted stays muted."
)


def texts_field(description: str) -> BoundedList:
    """A list of 1 to 50 texts of 1 to 255 characters."""
    each = fields.String(validate=validate.Length(1, 255))
    return BoundedList(each, validate=validate.Length(1, 50), metadata=describe(description))


def trend_field() -> fields.String:
    """The unit of the trend."""
    return fields.String(
        validate=validate.OneOf(tuple(TRENDS)),
        metadata=describe("What the trend counts by: the last 48 hours, or the last 30 days.", default="hours"),
    )


def place_text(last_seen_at: datetime, problem_id: int) -> str:
    """Where a page ends, as it stands in a cursor."""
    return f"{(last_seen_at - EPOCH) // MICROSECOND}-{problem_id}"


class ProblemListQuery(PageQuery):
    """Which problems to list. Repeated parameters mean any of the values, different ones that all must hold."""

    status = any_of(PROBLEM_STATUSES, "Only problems with this status.")
    workflow_id = texts_field("Only problems of this workflow.")
    project_id = texts_field("Only problems of this project.")
    seen_after = IsoTime(metadata=describe("Only problems that were seen after this."))
    seen_before = IsoTime(metadata=describe("Only problems that were seen before this."))
    trend = trend_field()

    def load_last_id(self, text: str) -> tuple[datetime, int]:
        """The place: the time, in microseconds since 1970 in the cursor, and the id. Raises InvalidCursor."""
        since, _, problem_id = text.partition("-")
        number = parse_execution_id(problem_id)
        if parse_execution_id(since) is None or int(since) > LATEST or number is None:
            raise InvalidCursor
        return EPOCH + int(since) * MICROSECOND, number


class ProblemQuery(StrictSchema):
    """How to show a problem."""

    trend = trend_field()


class ProblemBody(StrictSchema):
    """What somebody says of a problem."""

    status = fields.String(
        required=True, validate=validate.OneOf(PROBLEM_STATUSES), metadata=describe(STATUS, example="handled")
    )


class ProblemRetryBody(RetryBody):
    """How to retry the executions of a problem."""

    dry_run = StrictBoolean(load_default=False, metadata=describe("Only tell what would be retried."))


class TrendSchema(CamelSchema):
    """How often it was seen: oldest first, the last one still under way."""

    begin = IsoTime(required=True)
    interval = fields.String(required=True, validate=validate.OneOf(["1h", "1d"]))
    counts = fields.List(fields.Integer(), required=True)


class FailingVersionSchema(CamelSchema):
    """How often a version of the workflow has failed like this, and when last."""

    version_id = fields.String(required=True)
    count = fields.Integer(required=True)
    last_seen_at = IsoTime(required=True)


class ProblemSchema(CamelSchema):
    """Failures of one node of one workflow with messages that differ in values only."""

    id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(PROBLEM_STATUSES), metadata=describe(STATUS))
    project_id = fields.String(required=True)
    workflow_id = fields.String(required=True)
    workflow_name = fields.String(required=True, allow_none=True, metadata=describe("As it was called last."))
    node = fields.String(required=True, allow_none=True, metadata=describe("Null where no node, or any, failed."))
    pattern = fields.String(
        required=True,
        allow_none=True,
        metadata=describe(
            "The message without quoted values, numbers, ids, times and addresses; null stands for all that a workflow "
            "with 200 problems fails of besides."
        ),
    )
    message = fields.String(required=True, metadata=describe("As it was last."))
    count = fields.Integer(required=True, metadata=describe("How many executions failed of it."))
    fixed_by_retry = fields.Integer(required=True, metadata=describe("For how many of these a retry has succeeded."))
    first_seen_at = IsoTime(required=True)
    last_seen_at = IsoTime(required=True)
    last_execution_id = fields.String(required=True, metadata=describe("It may have been deleted since."))
    versions = fields.List(
        fields.Nested(FailingVersionSchema), required=True, metadata=describe("Up to 20, the last one first.")
    )
    trend = fields.Nested(TrendSchema, required=True)


class ProblemPageSchema(CamelSchema):
    """A page of problems; those first that were seen last."""

    data = fields.List(fields.Nested(ProblemSchema), required=True)
    next_cursor = next_cursor_field()


def times_of(trend: str, now: datetime) -> list[datetime]:
    """When each part of a trend begins, oldest first."""
    width = TRENDS[trend]
    last = now - (now - EPOCH) % width
    return [last - number * width for number in range(LENGTHS[trend] - 1, -1, -1)]


def trend_of(query: Mapping[str, Any]) -> str:
    """What a query wants its trend by."""
    return str(query.get("trend", "hours"))
