"""How executions went lately, as n8n's insights summarize it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate

from app.api.executions.stats import EARLIEST, LATEST
from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.services import reading
from app.repository import clock
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_pages import read_page
from app.repository.executions import Execution
from app.schemas.base import CamelSchema, IsoTime, StrictSchema
from app.vocabulary import ENDED, FAILED

blueprint = Blueprint("insights", __name__, url_prefix="/api/v1/insights", description="How executions went.")
DEFAULT_DAYS = 7
NEWEST = 1_000
"""The time of a run is the mean of so many."""


class InsightsQuery(StrictSchema):
    """Of which time and project the summary is."""

    start_date = IsoTime(metadata={"description": f"From when; {DEFAULT_DAYS} days ago when absent."})
    end_date = IsoTime(metadata={"description": "Until when; now when absent."})
    project_id = fields.String(validate=validate.Length(1, 64), metadata={"description": "Only of this project."})


class InsightSchema(CamelSchema):
    """A figure with its unit."""

    value = fields.Float(required=True)
    unit = fields.String(required=True)
    deviation = fields.Float(required=True, allow_none=True, metadata={"description": "Always null."})


class InsightsSchema(CamelSchema):
    """Executions that were started in a time and have ended."""

    average_run_time = fields.Nested(InsightSchema, required=True)
    failed = fields.Nested(InsightSchema, required=True)
    failure_rate = fields.Nested(InsightSchema, required=True)
    time_saved = fields.Nested(InsightSchema, required=True)
    total = fields.Nested(InsightSchema, required=True)


def mean_milliseconds(executions: Sequence[Execution]) -> float:
    """How long these ran, on average."""
    times = [(e.stopped_at - e.started_at).total_seconds() * 1000 for e in executions if e.started_at and e.stopped_at]
    return round(sum(times) / len(times), 2) if times else 0


def insight(value: float, unit: str) -> dict[str, Any]:
    """A figure in n8n's shape."""
    return {"value": value, "unit": unit, "deviation": None}


@blueprint.endpoint("GET", "/summary", scope="insights:read", query=InsightsQuery, answer=InsightsSchema)
def get_insights_summary(query: dict[str, Any]) -> Response:
    """Summarize the executions of a time; beyond 10,000 the numbers are estimates."""
    project = query.get("project_id")
    with reading() as connection:
        end = query.get("end_date") or clock.now(connection)
        if not EARLIEST <= end <= LATEST:
            raise ValidationError({"endDate": ["Is too far away."]})
        start = query.get("start_date") or end - timedelta(days=DEFAULT_DAYS)
        if start > end:
            raise ValidationError({"startDate": ["Must not be after endDate."]})
        wanted = ExecutionFilter(
            statuses=ENDED,
            project_ids=() if project is None else (project,),
            started_after=start,
            started_before=end,
            visible_project=caller().project_id,
        )
        newest = read_page(connection, wanted, limit=NEWEST)
        failures = read_page(connection, replace(wanted, statuses=FAILED), limit=1)
    total, failed = newest.count.value, min(newest.count.value, failures.count.value)
    rate = round(failed / total, 3) if total else 0
    return answer(
        {
            "averageRunTime": insight(mean_milliseconds(newest.executions), "millisecond"),
            "failed": insight(failed, "count"),
            "failureRate": insight(rate, "ratio"),
            "timeSaved": insight(0, "minute"),
            "total": insight(total, "count"),
        }
    )
