"""One execution: what it is, how it went, what can be done about it."""

from flask import Response, render_template

from app.api.executions.executions import require_execution_id
from app.api.face.auth import caller
from app.api.face.reads import from_primary_after_all, reading
from app.console.pages import page
from app.repository.executions import get_execution, read_metadata


@page("/executions/<execution_id>", scope="execution:read")
@from_primary_after_all
def execution_page(execution_id: str) -> Response:
    """The page of an execution."""
    number = require_execution_id(execution_id)
    with reading() as connection:
        execution = get_execution(connection, number, project_id=caller().project_id)
        metadata = read_metadata(connection, [number]).get(number, {})
    return Response(render_template("execution.html", e=execution, metadata=metadata))
