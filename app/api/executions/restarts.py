"""Where a retry goes on, as its body says: at the failure, at the start, or at a run of a node."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.api.executions.room import largest, room_for
from app.api.face.auth import caller
from app.api.face.services import services
from app.repository import retries
from app.repository.connection import Connection
from app.repository.errors import CannotRetry, ExecutionNotFound
from app.repository.execution_data import read_data
from app.repository.executions import Execution, get_execution, get_executions
from app.repository.restarts import NodeRun, Restart
from app.schemas.workflows import InvalidWorkflow, items_of

BATCH_BYTES = 2 * 2**20


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
        raise CannotRetry(too_large(execution))
    with room_for(execution.json_size_bytes):
        data = read_data(connection, [execution_id]).get(execution_id)
        services().rules.check_restart(data, place.node, place.run)


def too_large(execution: Execution) -> str:
    """What is said of data that is not looked into."""
    return (
        f"The execution's data has {execution.json_size_bytes:,} bytes. Above {largest():,} (half of "
        "EXECUTIONS_BODIES_BYTES) it is retried from the failure or the start only"
    )


def find_refused(connection: Connection, ids: Sequence[int], restart: Restart) -> dict[int, str]:
    """Those of these executions that are not retried, each with the reason: of an execution and its retries that could
    be, the newest alone is. However many there are, they are read together."""
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
    return refused | find_without(connection, [one for one in left if one.id not in newer], restart)


def find_without(connection: Connection, executions: Sequence[Execution], restart: Restart) -> dict[int, str]:
    """Those of these executions that do not have the node of a restart, or in which it never ran, with the reason."""
    place = restart.place
    if not isinstance(place, NodeRun):
        return {}
    refused = {execution.id: too_large(execution) for execution in executions if execution.json_size_bytes > largest()}
    for batch in batches([execution for execution in executions if execution.id not in refused]):
        with room_for(sum(execution.json_size_bytes for execution in batch)):
            data = read_data(connection, [execution.id for execution in batch])
            for execution in batch:
                try:
                    services().rules.check_restart(data.get(execution.id), place.node, place.run)
                except (InvalidWorkflow, CannotRetry) as error:
                    refused[execution.id] = str(error)
    return refused


def batches(executions: Iterable[Execution]) -> Iterator[list[Execution]]:
    """These executions, as many at once as have BATCH_BYTES of data, or one that has more."""
    batch: list[Execution] = []
    size = 0
    for execution in executions:
        if batch and size + execution.json_size_bytes > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(execution)
        size += execution.json_size_bytes
    if batch:
        yield batch
