"""How far an execution is while it runs."""

from typing import Any

import orjson
from flask import Response

from app.api.executions.executions import require_execution_id
from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.services import reading
from app.notation import time_text
from app.repository import execution_progress
from app.repository.execution_progress import changed_since
from app.repository.executions import get_execution
from app.schemas.execution_progress import ExecutionProgressSchema, ProgressQuery

blueprint = Blueprint("executions-progress", __name__, url_prefix="/api/v1/executions", description="How far it is.")


@blueprint.endpoint(
    "GET",
    "/<execution_id>/progress",
    scope="execution:read",
    query=ProgressQuery,
    answer=ExecutionProgressSchema,
    errors=[404],
)
def get_execution_progress(query: dict[str, Any], execution_id: str) -> Response:
    """Which nodes of a running execution have run, how often, and how many items they gave.

    Known of those that have run for more than a second. What an execution that ended did is in its data.
    """
    number = require_execution_id(execution_id)
    with reading() as connection:
        execution = get_execution(connection, number, project_id=caller().project_id)
        known = execution_progress.read(connection, [number]).get(number)
    said = known if execution.status == "running" else None
    return answer(
        {
            "id": str(number),
            "status": execution.status,
            **told_since(None if said is None else orjson.loads(said.progress), query.get("since")),
            "changedAt": None if said is None else time_text(said.changed_at),
        }
    )


def told_since(told: dict[str, Any] | None, version: str | None) -> dict[str, Any]:
    """What a worker has told, of its nodes those that have changed since a version."""
    if told is None:
        return {"current": None, "tries": [], "version": None, "nodes": []}
    changed = None if version is None else changed_since(told, version)
    return {"version": None, "tries": [], **told, "nodes": told["nodes"] if changed is None else changed}
