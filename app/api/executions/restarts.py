"""Where a retry goes on, as its body says: at the failure, at the start, or at a run of a node."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.api.face.services import services
from app.repository import retries
from app.repository.connection import Connection
from app.repository.errors import CannotRetry
from app.repository.execution_data import read_data
from app.repository.executions import get_execution
from app.repository.retries import Restart
from app.schemas.workflows import InvalidWorkflow, items_of


def restart_of(body: dict[str, Any]) -> Restart:
    """The place and the items that a body names."""
    place = body["place"]
    return Restart(
        None if place == "failure" else orjson.dumps(place),
        items_of(body["items"]) if "items" in body else None,
    )


def check_place(connection: Connection, execution_id: int, body: dict[str, Any], restart: Restart) -> None:
    """Refuse a node that the execution does not have, or that never ran in it.

    Raises ExecutionNotFound, CannotRetry, InvalidWorkflow.
    """
    place = body["place"]
    if not isinstance(place, dict):
        return
    execution = get_execution(connection, execution_id, project_id=caller().project_id)
    retries.refuse_unless_retryable(execution.status, restart)
    with _room_for(execution.json_size_bytes):
        data = read_data(connection, [execution_id]).get(execution_id)
        services().rules.check_restart(data, place["node"], place["run"])


def largest() -> int:
    """Bytes of run data in which a node is looked for, so that there is room for it beside the bodies of others."""
    return services().settings.bodies_bytes // 2


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """Count the run data that is read with the bodies that are. Raises CannotRetry for more than there can be room."""
    budget, most = services().bodies, largest()
    if size > most:
        raise CannotRetry(
            f"The execution's data has {size:,} bytes. Above {most:,} (half of EXECUTIONS_BODIES_BYTES) it is "
            "retried from the failure or the start only"
        )
    if not budget.take(size):
        raise Refused(503, "Too much is being read at the moment", {"Retry-After": "1"})
    try:
        yield
    finally:
        budget.give_back(size)


def check_each(connection: Connection, execution_id: int, body: dict[str, Any], restart: Restart) -> None:
    """The same for one of many, of which others go on. Raises ExecutionNotFound, CannotRetry."""
    try:
        check_place(connection, execution_id, body, restart)
    except InvalidWorkflow as error:
        raise CannotRetry(str(error)) from error
