"""Items that a retry brought along for a node, in place of those that were recorded."""

from typing import Any

import orjson

from app.repository.connection import Connection
from app.repository.errors import Conflict
from app.repository.executions import Execution, get_executions, read_inputs
from app.repository.relatives import read_attempts
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
        if restart.items is not None and may_be(restart.place, earlier, wanted):
            at_failure = restart.place == "failure"
            if current is not execution or (at_failure and (earlier is None or runs_of(data, wanted.node) > 1)):
                raise Conflict(NOT_KNOWN)
            items: list[Any] = orjson.loads(restart.items)
            return items
        current = earlier
    return None


def may_be(place: Place, earlier: Execution | None, wanted: NodeRun) -> bool:
    """Whether a retry of `earlier` may have gone on at this run; None: that one is not there any more."""
    if isinstance(place, NodeRun):
        return place == wanted
    return place == "failure" and (earlier is None or earlier.error_node in (None, wanted.node))


def runs_of(data: bytes, node: str) -> int:
    """How often a node has run. Raises Conflict."""
    try:
        return WholeData(data).counts.get(node, 0)
    except UnreadableRunData as error:
        raise Conflict("The execution's data has no structure by nodes") from error
