"""Items that a retry brought along for a node, in place of those that were recorded."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.api.executions.room import largest, room_for
from app.api.face.services import services
from app.repository.connection import Connection
from app.repository.errors import Conflict
from app.repository.execution_data import read_data
from app.repository.executions import Execution, get_executions, read_inputs
from app.repository.relatives import find_originals_with_data, read_attempts
from app.repository.restarts import AT_FAILURE, NodeRun, Place
from app.repository.run_pages import WholeData
from app.repository.run_scan import UnreadableRunData

NOT_KNOWN = "A retry went on with other items than those recorded, and it is not known which run got them"


def read_edited(connection: Connection, execution: Execution, wanted: NodeRun, data: bytes) -> list[Any] | None:
    """The items that this run got in place of what its sources gave; None: it got that.

    `data` is what the execution has recorded, as JSON. Raises Conflict where it cannot be told.
    """
    if execution.retry_of is None:
        return None
    ids = [attempt.id for attempt in read_attempts(connection, execution.id)]
    known = {each.id: each for each in get_executions(connection, ids)}
    inputs = read_inputs(connection, ids)
    current: Execution | None = execution
    while current is not None and current.retry_of is not None:
        earlier = known.get(current.retry_of)
        restart = inputs[current.id].restart if current.id in inputs else AT_FAILURE
        if restart.place == "start":
            return None
        if restart.items is not None and may_be(connection, restart.place, current, known, wanted):
            at_failure = restart.place == "failure"
            if current is not execution or (at_failure and runs_of(data, wanted.node) > 1):
                raise Conflict(NOT_KNOWN)
            items: list[Any] = orjson.loads(restart.items)
            return items
        current = earlier
    return None


def may_be(
    connection: Connection, place: Place, retry: Execution, known: Mapping[int, Execution], wanted: NodeRun
) -> bool:
    """Whether a retry may have gone on at this run. `known`: the executions that are left of its chain, by id.

    Raises Conflict where it cannot be told.
    """
    if isinstance(place, NodeRun):
        return place == wanted
    number = find_originals_with_data(connection, [retry.id]).get(retry.id)
    if number is None:
        if is_whole(retry, known):
            return False  # nothing had been recorded: it started over
        raise Conflict(NOT_KNOWN)
    size = known[number].json_size_bytes if number in known else largest() + 1
    if size > largest():
        raise Conflict(NOT_KNOWN)
    with room_for(size):
        data = read_data(connection, [number]).get(number)
        return services().rules.node_of_failure(data) == wanted.node


def is_whole(retry: Execution, known: Mapping[int, Execution]) -> bool:
    """Whether all executions that a retry comes from are still there."""
    current: Execution | None = retry
    while current is not None and current.retry_of is not None:
        current = known.get(current.retry_of)
    return current is not None


def runs_of(data: bytes, node: str) -> int:
    """How often a node has run. Raises Conflict."""
    try:
        return WholeData(data).counts.get(node, 0)
    except UnreadableRunData as error:
        raise Conflict("The execution's data has no structure by nodes") from error
