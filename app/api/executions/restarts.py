"""Where a retry goes on, as its body says: at the failure, at the start, or at a run of a node."""

from typing import Any

from app.api.executions.room import largest, room_for
from app.api.face.auth import caller
from app.api.face.services import services
from app.repository import retries
from app.repository.connection import Connection
from app.repository.errors import CannotRetry
from app.repository.execution_data import read_data
from app.repository.executions import get_execution
from app.repository.restarts import NodeRun, Restart
from app.schemas.workflows import InvalidWorkflow, items_of


def restart_of(body: dict[str, Any]) -> Restart:
    """The place and the items that a body names."""
    place = body["place"]
    return Restart(
        NodeRun(**place) if isinstance(place, dict) else place,
        items_of(body["items"]) if "items" in body else None,
    )


def check_place(connection: Connection, execution_id: int, restart: Restart) -> None:
    """Refuse a node that the execution does not have, or that never ran in it.

    Raises ExecutionNotFound, CannotRetry, InvalidWorkflow.
    """
    place = restart.place
    if not isinstance(place, NodeRun):
        return
    execution = get_execution(connection, execution_id, project_id=caller().project_id)
    retries.refuse_unless_retryable(execution.status, restart)
    if execution.json_size_bytes > largest():
        raise CannotRetry(
            f"The execution's data has {execution.json_size_bytes:,} bytes. Above {largest():,} (half of "
            "EXECUTIONS_BODIES_BYTES) it is retried from the failure or the start only"
        )
    with room_for(execution.json_size_bytes):
        data = read_data(connection, [execution_id]).get(execution_id)
        services().rules.check_restart(data, place.node, place.run)


def check_each(connection: Connection, execution_id: int, restart: Restart) -> None:
    """The same for one of many, of which others go on. Raises ExecutionNotFound, CannotRetry."""
    try:
        check_place(connection, execution_id, restart)
    except InvalidWorkflow as error:
        raise CannotRetry(str(error)) from error
