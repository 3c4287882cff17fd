"""How executions went in a span of time, at a cost that does not grow with their number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response
from marshmallow import ValidationError

from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.reads import from_primary_after_all, reading
from app.notation import time_text
from app.repository import clock
from app.repository.connection import Connection
from app.repository.execution_stats import (
    KEPT_DAYS,
    ORIGIN,
    LastRun,
    Stats,
    StatsFilter,
    Unit,
    read_last_runs,
    read_names,
    read_stats,
)
from app.schemas.execution_stats import (
    INTERVALS,
    MAX_BUCKETS,
    MAX_GROUPS,
    ExecutionStatsQuery,
    ExecutionStatsSchema,
)

blueprint = Blueprint("executions-stats", __name__, url_prefix="/api/v1/executions", description="How they went.")
DEFAULT_SPAN = timedelta(days=1)
EARLIEST, LATEST = (datetime.fromisoformat(f"{year}-01-01T00:00:00+00:00") for year in (1970, 9000))
ABOUT_BUCKETS = 120
WORKFLOWS_WITH_RUNS = 100


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` up to `end`, in buckets of `interval`, which totals of `unit` tell."""

    begin: datetime
    end: datetime
    interval: str
    unit: Unit

    @property
    def width(self) -> timedelta:
        """How long a bucket is."""
        return INTERVALS[self.interval]

    @property
    def times(self) -> list[datetime]:
        """When each bucket begins."""
        return [self.begin + number * self.width for number in range((self.end - self.begin) // self.width)]


def span_of(query: Mapping[str, Any], now: datetime) -> Span:
    """The span of time that is asked for, in whole buckets. Raises ValidationError."""
    end = query.get("ended_before", now)
    if not EARLIEST <= end <= LATEST:
        raise ValidationError({"endedBefore": ["Is too far away."]})
    begin = query.get("ended_after", end - DEFAULT_SPAN)
    if not EARLIEST <= begin < end:
        raise ValidationError({"endedAfter": ["Must be before endedBefore, and after 1970."]})
    interval = query.get("interval") or fitting_interval(begin, end, now)
    width, unit = INTERVALS[interval], unit_of(interval)
    kept_days = KEPT_DAYS[unit]
    if kept_days is not None and begin < now - timedelta(days=kept_days):
        raise ValidationError({"interval": [f"Totals by the {unit} are kept for {kept_days} days."]})
    aligned = Span(begin - (begin - ORIGIN) % width, end + (ORIGIN - end) % width, interval, unit)
    if (aligned.end - aligned.begin) / width > MAX_BUCKETS:
        raise ValidationError({"interval": [f"Gives more than {MAX_BUCKETS} buckets."]})
    return aligned


def fitting_interval(begin: datetime, end: datetime, now: datetime) -> str:
    """The smallest that gives about a hundred buckets and is known of that time."""
    for name, width in INTERVALS.items():
        kept_days = KEPT_DAYS[unit_of(name)]
        if (kept_days is None or begin >= now - timedelta(days=kept_days)) and (end - begin) / width <= ABOUT_BUCKETS:
            return name
    return "7d"


def unit_of(interval: str) -> Unit:
    """The largest unit whose totals tell buckets of this interval."""
    return "minute" if interval.endswith("m") else "hour" if interval.endswith("h") else "day"


@blueprint.endpoint("GET", "/stats", scope="execution:list", query=ExecutionStatsQuery, answer=ExecutionStatsSchema)
@from_primary_after_all
def get_execution_stats(query: dict[str, Any]) -> Response:
    """Count what ended in a span of time, by bucket of time and by status; also by workflow, mode or status.

    Of durations there are the median and the 95th percentile. Deleting executions does not change what is counted here.
    """
    if "last_runs" in query and query.get("group_by") != "workflow":
        raise ValidationError({"lastRuns": ["Needs groupBy=workflow beside it."]})
    with reading() as connection:
        span = span_of(query, clock.now(connection))
        wanted = filter_of(query, span)
        by_time = read_stats(connection, wanted, "time", unit=span.unit, width=span.width)
        groups = groups_of(connection, query, span, wanted) if "group_by" in query else None
    total = Stats()
    for stats in by_time.values():
        total.merge(stats)
    nothing = Stats()
    return answer(
        {
            "begin": time_text(span.begin),
            "end": time_text(span.end),
            "interval": span.interval,
            "total": render_stats(total),
            "buckets": [{"time": time_text(at), **render_stats(by_time.get(at, nothing))} for at in span.times],
            **({} if groups is None else {"groups": groups}),
        }
    )


def filter_of(query: Mapping[str, Any], span: Span) -> StatsFilter:
    """What is counted, within what the caller's key may see."""
    return StatsFilter(
        begin=span.begin,
        end=span.end,
        statuses=tuple(query.get("status", ())),
        modes=tuple(query.get("mode", ())),
        workflow_ids=tuple(query.get("workflow_id", ())),
        project_ids=tuple(query.get("project_id", ())),
        visible_project=caller().project_id,
    )


def groups_of(
    connection: Connection, query: Mapping[str, Any], span: Span, wanted: StatsFilter
) -> list[dict[str, Any]]:
    """The largest groups, as they are shown."""
    key = query["group_by"]
    stats_by_name = read_stats(connection, wanted, key, unit=span.unit, width=span.width)
    largest = sorted(stats_by_name.items(), key=lambda group: (-group[1].count, group[0]))[:MAX_GROUPS]
    if key != "workflow":
        return [{key: value, **render_stats(stats)} for value, stats in largest]
    shown = dict(largest) | {name: stats_by_name.get(name, Stats()) for name in wanted.workflow_ids}
    names = read_names(connection, list(shown), project_id=wanted.visible_project)
    groups = [
        {"workflowId": workflow_id, "workflowName": names.get(workflow_id), **render_stats(stats)}
        for workflow_id, stats in shown.items()
        if workflow_id in names or stats.count
    ]
    if "last_runs" in query:
        first = [group["workflowId"] for group in groups[:WORKFLOWS_WITH_RUNS]]
        runs = read_last_runs(connection, first, query["last_runs"], project_id=wanted.visible_project)
        for group in groups[:WORKFLOWS_WITH_RUNS]:
            group["lastRuns"] = [render_last_run(run) for run in runs[group["workflowId"]]]
    return groups


def render_stats(stats: Stats) -> dict[str, Any]:
    """Numbers and durations, as the document describes them."""
    numbers = stats.numbers
    rate = stats.success_rate
    p50, p95 = stats.percentile(0.5), stats.percentile(0.95)
    return {
        "count": stats.count,
        "statuses": {status: number for status, number in sorted(numbers.items()) if number},
        "successRate": None if rate is None else round(rate, 4),
        "durations": None if p50 is None else {"p50": p50, "p95": p95},
    }


def render_last_run(run: LastRun) -> dict[str, Any]:
    """One square of a workflow's strip."""
    return {
        "id": str(run.id),
        "status": run.status,
        "mode": run.mode,
        "startedAt": time_text(run.started_at or run.created_at),
        "stoppedAt": run.stopped_at and time_text(run.stopped_at),
    }
