"""Checks many executions, whose data is read together, before they are retried from a node."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from app.repository.connection import Connection
from app.repository.execution_data import read_data
from app.repository.executions import Execution, batches
from app.repository.restarts import Checked, NodeRun, Place, Restart

BATCH_BYTES = 2 * 2**20
"""Data of so many bytes is looked into at once, or of one execution that has more."""

Begins = Callable[[bytes | None, Place], bool]
"""Says whether an execution with this data had begun at the place where a retry goes on."""
Room = Callable[[int], AbstractContextManager[None]]
"""Gives room for so many bytes of data while it is looked into."""


def check_places(
    connection: Connection,
    executions: Sequence[Execution],
    restart: Restart,
    begins: Begins,
    refusal: type[Exception],
    *,
    largest: int,
    room: Room = lambda size: nullcontext(),
) -> Checked:
    """Refuse those of these executions of which `begins` raises a `refusal`: they do not have the node of a restart, or
    it never ran. Data of more bytes than `largest` is not looked into."""
    if not restart.depends_on_data:
        return Checked({})
    large = {one.id: too_large(one, largest) for one in executions if one.json_size_bytes > largest}
    checked = Checked(dict(large) if isinstance(restart.place, NodeRun) else {})
    for batch in batches([one for one in executions if one.id not in large], BATCH_BYTES):
        with room(sum(execution.json_size_bytes for execution in batch)):
            data = read_data(connection, [execution.id for execution in batch])
            for execution in batch:
                try:
                    if begins(data.get(execution.id), restart.place):
                        checked.beginning.add(execution.id)
                except refusal as error:
                    checked.refused[execution.id] = str(error)
    return checked


def too_large(execution: Execution, largest: int) -> str:
    """What is said of data that is not looked into."""
    return (
        f"The execution's data has {execution.json_size_bytes:,} bytes. Above {largest:,} (half of "
        "EXECUTIONS_BODIES_BYTES) it is retried from the failure or the start only"
    )
