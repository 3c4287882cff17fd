"""Where a retry goes on, as its body says: at the failure, at the start, or at a run of a node."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.api.executions.data_budget import largest, room_for
from app.api.face.auth import caller
from app.api.face.services import services
from app.repository import retries
from app.repository.connection import Connection
from app.repository.errors import CannotRetry, ExecutionNotFound
from app.repository.execution_data import read_data
from app.repository.executions import get_execution, get_executions
from app.repository.restart_checks import check_places, too_large
from app.repository.restarts import Checked, NodeRun, Place, Restart
from app.schemas.workflows import UnusableWorkflow, items_of


def restart_of(body: dict[str, Any]) -> Restart:
    """The place and the items that a body names."""
    place = body["place"]
    return Restart(
        NodeRun(**place) if isinstance(place, dict) else place,
        items_of(body["items"]) if "items" in body else None,
    )


def check_place(connection: Connection, execution_id: int, restart: Restart) -> Restart:
    """Refuse a node that the execution does not have, or that never ran in it; the restart, which knows then whether
    the execution had begun there.

    Raises ExecutionNotFound, CannotRetry, UnusableWorkflow.
    """
    if not restart.depends_on_data:
        return restart
    execution = get_execution(connection, execution_id, project_id=caller().project_id)
    retries.refuse_unless_retryable(execution.status, restart)
    if execution.json_size_bytes > largest():
        if restart.place == "failure":
            return restart
        raise CannotRetry(too_large(execution, largest()))
    with room_for(execution.json_size_bytes):
        data = read_data(connection, [execution_id]).get(execution_id)
        return replace(restart, begins=begins_there(data, restart.place))


def begins_there(data: bytes | None, place: Place) -> bool:
    """Whether an execution with this data had begun at the place where a retry goes on.

    Raises UnusableWorkflow for a node that it does not have, or that never ran in it.
    """
    if isinstance(place, NodeRun):
        return services().rules.check_restart(data, place.node, place.run)
    return data is not None and services().rules.begins_at_failure(data)


def check_many(connection: Connection, ids: Sequence[int], restart: Restart) -> Checked:
    """Which of these executions are retried: of an execution and its retries that could be, the newest alone. However
    many there are, they are read together."""
    executions = get_executions(connection, ids, project_id=caller().project_id)
    refused = dict.fromkeys(set(ids).difference(execution.id for execution in executions), ExecutionNotFound.default)
    for execution in executions:
        try:
            retries.refuse_unless_retryable(execution.status, restart)
        except CannotRetry as error:
            refused[execution.id] = error.message
    left = [execution for execution in executions if execution.id not in refused]
    newer = retries.find_newer(connection, left)
    refused |= {older: f"Its newer attempt stands for it: execution {newest}" for older, newest in newer.items()}
    left = [execution for execution in left if execution.id not in newer]
    places = check_places(connection, left, restart, begins_there, UnusableWorkflow, largest=largest(), room=room_for)
    return replace(places, refused=refused | places.refused)
