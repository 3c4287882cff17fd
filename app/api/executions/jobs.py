"""What goes on in the background after a call that changes many executions: how far it is, and its end."""

from typing import Any

from flask import Response

from app.api.face.answers import answer, page_answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.paths import require_number
from app.api.face.services import database
from app.api.rendering import render_deletion_job, render_retry_answer, render_retry_job
from app.repository import deletion_jobs, retry_jobs
from app.repository.connection import Connection
from app.repository.errors import DeletionJobNotFound, RetryJobNotFound
from app.repository.retry_jobs import RetryJob
from app.schemas.execution_answers import (
    DeletionJobPageSchema,
    DeletionJobSchema,
    RetryJobPageSchema,
    RetryJobSchema,
)
from app.schemas.pages import DEFAULT_LIMIT, NumberPageQuery

blueprint = Blueprint("executions-jobs", __name__, url_prefix="/api/v1/executions", description="In the background.")
PAGES = NumberPageQuery()


@blueprint.endpoint("GET", "/retryMany", scope="execution:retry", query=NumberPageQuery, answer=RetryJobPageSchema)
def get_retry_jobs(query: dict[str, Any]) -> Response:
    """List retries in the background, newest first; they are known for a week after their end."""
    with database() as connection:
        rows = retry_jobs.list_retry_jobs(
            connection, project_id=caller().project_id, limit=query["limit"] + 1, before=query["last_id"]
        )
    return page_answer(PAGES, query, rows, render_retry_job)


@blueprint.endpoint(
    "GET", "/retryMany/<job_id>", scope="execution:retry", query=NumberPageQuery, answer=RetryJobSchema, errors=[404]
)
def get_retry_job(query: dict[str, Any], job_id: str) -> Response:
    """How far retries in the background are, and what became of each execution; known for a week after their end."""
    number = require_number(job_id, RetryJobNotFound)
    with database() as connection:
        job = retry_jobs.get_retry_job(connection, number, project_id=caller().project_id)
        return answer_job(connection, job, query)


@blueprint.endpoint("DELETE", "/retryMany/<job_id>", scope="execution:retry", answer=RetryJobSchema, errors=[404])
def end_retry_job(job_id: str) -> Response:
    """Retry nothing more in the background of what is left; the retries that were queued stay."""
    number = require_number(job_id, RetryJobNotFound)
    with database() as connection:
        job = retry_jobs.end_retry_job(connection, number, project_id=caller().project_id)
        return answer_job(connection, job, {"limit": DEFAULT_LIMIT, "last_id": None})


def answer_job(connection: Connection, job: RetryJob, query: dict[str, Any]) -> Response:
    """How far a job is, and the page that `query` asks for."""
    rows = retry_jobs.read_results(connection, job.id, limit=query["limit"] + 1, before=query["last_id"])
    page, cursor = PAGES.cut(query, rows)
    results = [render_retry_answer(one) for one in page]
    return answer({**render_retry_job(job), "results": results, "nextCursor": cursor})


@blueprint.endpoint("GET", "/delete", scope="execution:delete", query=NumberPageQuery, answer=DeletionJobPageSchema)
def get_deletion_jobs(query: dict[str, Any]) -> Response:
    """List deletions in the background, newest first; they are known for a week after their end."""
    with database() as connection:
        rows = deletion_jobs.list_deletion_jobs(
            connection, project_id=caller().project_id, limit=query["limit"] + 1, before=query["last_id"]
        )
    return page_answer(PAGES, query, rows, render_deletion_job)


@blueprint.endpoint("GET", "/delete/<job_id>", scope="execution:delete", answer=DeletionJobSchema, errors=[404])
def get_deletion_job(job_id: str) -> Response:
    """How far a deletion in the background is; it is known for a week after its end."""
    number = require_number(job_id, DeletionJobNotFound)
    with database() as connection:
        job = deletion_jobs.get_deletion_job(connection, number, project_id=caller().project_id)
    return answer(render_deletion_job(job))
