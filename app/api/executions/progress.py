"""How far an execution is while it runs."""

import orjson
from flask import Response

from app.api.executions.executions import require_execution_id
from app.api.face.answers import answer
from app.api.face.auth import caller
from app.api.face.blueprint import Blueprint
from app.api.face.services import reading
from app.notation import time_text
from app.repository import execution_progress
from app.repository.executions import get_execution
from app.schemas.execution_progress import ExecutionProgressSchema

blueprint = Blueprint("executions-progress", __name__, url_prefix="/api/v1/executions", description="How far it is.")


@blueprint.endpoint(
    "GET", "/<execution_id>/progress", scope="execution:read", answer=ExecutionProgressSchema, errors=[404]
)
def get_execution_progress(execution_id: str) -> Response:
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
            **({"current": None, "nodes": []} if said is None else orjson.loads(said.progress)),
            "changedAt": None if said is None else time_text(said.changed_at),
        }
    )
