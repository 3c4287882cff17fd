"""Problems: what fails in the same way, how often, and what to do about all of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response

from app.api.executions.bulk import retry_matching
from app.api.face import idempotency
from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_number
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import database
from app.notation import time_text
from app.repository import clock, problems
from app.repository.connection import Connection
from app.repository.errors import ProblemNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_stats import read_names
from app.repository.problems import FailingVersion, Problem, ProblemFilter, ProblemPlace
from app.schemas.execution_answers import RetryManySchema
from app.schemas.problems import (
    ProblemBody,
    ProblemListQuery,
    ProblemPageSchema,
    ProblemQuery,
    ProblemRetryBody,
    ProblemSchema,
    place_text,
    times_of,
    trend_of,
)

blueprint = Blueprint("problems", __name__, url_prefix="/api/v1/problems", description="What fails in the same way.")
LIST_QUERY = ProblemListQuery()


@blueprint.endpoint("GET", "", scope="execution:list", query=ProblemListQuery, answer=ProblemPageSchema)
@from_primary_after_all
def get_many_problems(query: dict[str, Any]) -> Response:
    """List what failed, grouped by workflow, node and what the messages have in common; the latest first.

    A failure is in its group within seconds. Deleting executions does not change the counts.
    """
    after = None if query["last_id"] is None else ProblemPlace(*query["last_id"])
    with reading() as connection:
        rows = problems.list_problems(connection, filter_of(query), limit=query["limit"] + 1, after=after)
        page, cursor = LIST_QUERY.cut_by_place(query, rows, place_of)
        return answer({"data": render_problems(connection, page, query), "nextCursor": cursor})


@blueprint.endpoint(
    "GET", "/<problem_id>", scope="execution:list", query=ProblemQuery, answer=ProblemSchema, errors=[404]
)
@from_primary_after_all
def get_one_problem(query: dict[str, Any], problem_id: str) -> Response:
    """Read a problem."""
    with reading() as connection:
        return answer(render_one(connection, require_number(problem_id, ProblemNotFound), query))


@blueprint.endpoint(
    "PATCH",
    "/<problem_id>",
    scope="execution:update",
    body=ProblemBody(),
    answer=ProblemSchema,
    errors=[404],
    strict=True,
    example={"status": "handled"},
)
def update_problem(body: dict[str, Any], problem_id: str) -> Response:
    """Say that a problem is handled, muted, or open."""
    number = require_number(problem_id, ProblemNotFound)
    with database() as connection:
        problems.set_status(connection, number, body["status"], project_id=caller().project_id)
        return answer(render_one(connection, number, {}))


@blueprint.endpoint(
    "POST",
    "/<problem_id>/retry",
    scope="execution:retry",
    body=ProblemRetryBody(),
    body_required=False,
    answer=RetryManySchema,
    errors=[404, 409],
    idempotent=True,
    example={"loadWorkflow": True, "dryRun": False},
)
def retry_problem(body: dict[str, Any], problem_id: str) -> Response:
    """Retry the failures of a problem that no retry has mended yet, the newest first; one of each chain of retries.

    More than 1,000 are retried in the background, and `/executions/retryMany/{job}` says how far that is.
    """
    number, visible = require_number(problem_id, ProblemNotFound), caller().project_id
    with database() as connection:

        def act() -> dict[str, Any]:
            problems.get_problem(connection, number, project_id=visible)
            wanted = ExecutionFilter(problem_ids=(number,), visible_project=visible)
            return retry_matching(connection, wanted, body)

        return idempotency.once(connection, act)


def filter_of(query: Mapping[str, Any]) -> ProblemFilter:
    """What is listed, within what the caller's key may see."""
    return ProblemFilter(
        statuses=tuple(query.get("status", ())),
        workflow_ids=tuple(query.get("workflow_id", ())),
        project_ids=tuple(query.get("project_id", ())),
        seen_after=query.get("seen_after"),
        seen_before=query.get("seen_before"),
        visible_project=caller().project_id,
    )


def render_one(connection: Connection, number: int, query: Mapping[str, Any]) -> dict[str, Any]:
    """The problem object as it is now."""
    problem = problems.get_problem(connection, number, project_id=caller().project_id)
    return render_problems(connection, [problem], query)[0]


def place_of(problem: Problem) -> str:
    """Its place in the list, as a text."""
    return place_text(problem.last_seen_at, problem.id)


def render_problems(connection: Connection, page: Sequence[Problem], query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Problem objects, with the names, versions and trends that belong to them."""
    if not page:
        return []
    trend, ids = trend_of(query), [problem.id for problem in page]
    times = times_of(trend, clock.now(connection))
    names = read_names(connection, list({problem.workflow_id for problem in page}), project_id=caller().project_id)
    versions = problems.read_versions(connection, ids)
    trends = problems.read_trends(connection, ids, times)
    return [
        {
            **render_problem(problem, names.get(problem.workflow_id), versions[problem.id]),
            "trend": render_trend(trend, times, trends[problem.id]),
        }
        for problem in page
    ]


def render_problem(problem: Problem, workflow_name: str | None, versions: Sequence[FailingVersion]) -> dict[str, Any]:
    """The problem object without its trend."""
    return {
        "id": str(problem.id),
        "status": problem.status,
        "projectId": problem.project_id,
        "workflowId": problem.workflow_id,
        "workflowName": workflow_name,
        "node": problem.node or None,
        "pattern": problem.pattern or None,
        "message": problem.message,
        "count": problem.number,
        "fixedByRetry": problem.mended,
        "firstSeenAt": time_text(problem.first_seen_at),
        "lastSeenAt": time_text(problem.last_seen_at),
        "lastExecutionId": str(problem.last_execution_id),
        "versions": [
            {"versionId": str(each.id), "count": each.number, "lastSeenAt": time_text(each.last_seen_at)}
            for each in versions
        ],
    }


def render_trend(trend: str, times: Sequence[datetime], numbers: Mapping[datetime, int]) -> dict[str, Any]:
    """How often it was seen, from each of the times to the next."""
    return {
        "begin": time_text(times[0]),
        "interval": "1h" if trend == "hours" else "1d",
        "counts": [numbers.get(time, 0) for time in times],
    }
