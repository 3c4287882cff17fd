"""How executions went in a span of time: what is asked for, and the answer."""

from datetime import timedelta
from typing import ClassVar

from marshmallow import fields, validate

from app.filters import FILTERS
from app.schemas.base import CamelSchema, IsoTime, StrictSchema, WholeNumber, describe
from app.schemas.execution_queries import field_of
from app.vocabulary import ENDED, MODES, STATUSES

INTERVALS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
MAX_BUCKETS = 500
GROUPS = ("workflow", "mode", "status")
MAX_GROUPS = 250
MAX_LAST_RUNS = 50
COUNTED = ("status", "mode", "workflow_id", "project_id")
"""The filters of lists that totals can answer."""
RATE = "The share of successes among success, error and crashed; null where there are none."


class ExecutionStatsQuery(StrictSchema):
    """Which ends to count. Repeated parameters mean any of the values, different ones that all must hold."""

    class Meta(StrictSchema.Meta):
        include: ClassVar = {each.parameter: field_of(each) for each in FILTERS if each.parameter in COUNTED}

    ended_after = IsoTime(metadata=describe("From when, rounded down to an interval; 24 hours ago when absent."))
    ended_before = IsoTime(metadata=describe("Until when, rounded up to an interval; now when absent."))
    interval = fields.String(
        validate=validate.OneOf(tuple(INTERVALS)),
        metadata=describe(
            "The width of a bucket of time; when absent, one that gives about a hundred of them. Minutes are known "
            f"for two days, hours for ninety, days for five years; at most {MAX_BUCKETS} buckets."
        ),
    )
    group_by = fields.String(
        validate=validate.OneOf(GROUPS),
        metadata=describe(
            f"Also answer by workflow, mode or status, the {MAX_GROUPS} with the most executions. By workflow, those "
            "that are named in workflowId are there in any case."
        ),
    )
    last_runs = WholeNumber(
        validate=validate.Range(1, MAX_LAST_RUNS),
        metadata=describe(
            "With groupBy=workflow: also so many of the newest executions of the first hundred workflows, whatever the "
            "span of time and the status."
        ),
    )


class DurationsSchema(CamelSchema):
    """Milliseconds from start to end, waits included; off by at most 5 percent, or a millisecond."""

    p50 = fields.Float(required=True)
    p95 = fields.Float(required=True)


class NumbersSchema(CamelSchema):
    """How many executions ended, and how long they took."""

    count = fields.Integer(required=True, metadata=describe("How many ended."))
    statuses = fields.Dict(
        keys=fields.String(validate=validate.OneOf(ENDED)),
        values=fields.Integer(),
        required=True,
        metadata=describe("How many ended with each status; 0 is left out."),
    )
    success_rate = fields.Float(required=True, allow_none=True, metadata=describe(RATE))
    durations = fields.Nested(
        DurationsSchema, required=True, allow_none=True, metadata=describe("Null where none had started.")
    )


class TimeBucketSchema(NumbersSchema):
    """The numbers of one span of time, as wide as the interval."""

    time = IsoTime(required=True, metadata=describe("When the bucket begins."))


class LastRunSchema(CamelSchema):
    """One of the newest executions of a workflow."""

    id = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    started_at = IsoTime(required=True)
    stopped_at = IsoTime(required=True, allow_none=True)


class GroupSchema(NumbersSchema):
    """All of the span of time, for one workflow, mode or status."""

    workflow_id = fields.String(metadata=describe("By workflow."))
    workflow_name = fields.String(allow_none=True, metadata=describe("As it was called last."))
    mode = fields.String(metadata=describe("By mode."))
    status = fields.String(metadata=describe("By status."))
    last_runs = fields.List(fields.Nested(LastRunSchema), metadata=describe("Newest first."))


class ExecutionStatsSchema(CamelSchema):
    """What ended in a span of time. Executions that were deleted since still count."""

    begin = IsoTime(required=True, metadata=describe("The span's begin."))
    end = IsoTime(required=True, metadata=describe("The span's end, which is no part of it."))
    interval = fields.String(required=True, validate=validate.OneOf(tuple(INTERVALS)))
    total = fields.Nested(NumbersSchema, required=True)
    buckets = fields.List(fields.Nested(TimeBucketSchema), required=True, metadata=describe("Oldest first."))
    groups = fields.List(fields.Nested(GroupSchema), metadata=describe("With groupBy: the largest first."))
