"""Where a retry goes on, as its body says: at the failure, at the start, or at a run of a node."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.api.executions.room import largest, room_for
from app.api.face.auth import caller
from app.api.face.services import services
from app.repository import retries
from app.repository.connection import Connection
from app.repository.errors import CannotRetry, ExecutionNotFound
from app.repository.execution_data import read_data
from app.repository.executions import Execution, get_execution, get_executions
from app.repository.restarts import NodeRun, Place, Restart
from app.schemas.workflows import InvalidWorkflow, items_of

BATCH_BYTES = 2 * 2**20


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

    Raises ExecutionNotFound, CannotRetry, InvalidWorkflow.
    """
    place = restart.place
    if not isinstance(place, NodeRun):
        return restart
    execution = get_execution(connection, execution_id, project_id=caller().project_id)
    retries.refuse_unless_retryable(execution.status, restart)
    if execution.json_size_bytes > largest():
        raise CannotRetry(too_large(execution))
    with room_for(execution.json_size_bytes):
        data = read_data(connection, [execution_id]).get(execution_id)
        return replace(restart, begins=services().rules.check_restart(data, place.node, place.run))


def too_large(execution: Execution) -> str:
    """What is said of data that is not looked into."""
    return (
        f"The execution's data has {execution.json_size_bytes:,} bytes. Above {largest():,} (half of "
        "EXECUTIONS_BODIES_BYTES) it is retried from the failure or the start only"
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """Those of many executions that are not `refused`, with the reason, are retried; those in `beginning` had begun
    where they go on."""

    refused: dict[int, str]
    beginning: set[int] = field(default_factory=set)


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
    places = check_places(connection, [one for one in left if one.id not in newer], restart.place)
    return replace(places, refused=refused | places.refused)


def check_places(connection: Connection, executions: Sequence[Execution], place: Place) -> Checked:
    """Refuse those of these executions that do not have the node of a restart, or in which it never ran."""
    if not isinstance(place, NodeRun):
        return Checked({})
    refused = {execution.id: too_large(execution) for execution in executions if execution.json_size_bytes > largest()}
    checked = Checked(refused)
    for batch in batches([execution for execution in executions if execution.id not in refused]):
        with room_for(sum(execution.json_size_bytes for execution in batch)):
            data = read_data(connection, [execution.id for execution in batch])
            for execution in batch:
                try:
                    if services().rules.check_restart(data.get(execution.id), place.node, place.run):
                        checked.beginning.add(execution.id)
                except (InvalidWorkflow, CannotRetry) as error:
                    refused[execution.id] = str(error)
    return checked


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
