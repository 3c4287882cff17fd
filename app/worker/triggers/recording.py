"""Records what a trigger has emitted, or why it has failed, as executions; in the transaction of its caller."""

import time
from collections.abc import Sequence
from typing import Any

import orjson

from app.engine.run.document import write_document, write_due, write_result
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.repository import lifecycle
from app.repository.connection import Connection
from app.repository.lifecycle import Failure, Result, StartInput
from app.repository.trigger_nodes import TriggerNode
from app.vocabulary import Mode
from app.worker.runs import is_kept
from app.worker.texts import shorten, shorten_name, strip_unstorable
from app.worker.tracing import TellEnded

MODE: Mode = "trigger"


def items_of(outputs: Outputs) -> list[Item]:
    """The outputs as the items that an execution begins with; those of other outputs than the first are marked."""
    return [
        {**item, "output": output} if output else item for output, items in enumerate(outputs) for item in items or []
    ]


def record_outputs(connection: Connection, trigger: TriggerNode, items: Sequence[Item]) -> None:
    """Queue an execution that begins with these items."""
    start = StartInput(trigger.node, orjson.dumps(list(items), default=str))
    lifecycle.create_execution(connection, trigger.target, start, mode=MODE)


def record_failure(
    connection: Connection,
    worker_id: int,
    trigger: TriggerNode,
    error: NodeError,
    *,
    address: str | None,
    tell_ended: TellEnded | None = None,
) -> None:
    """Leave an execution that has failed at the trigger, as n8n does; its error workflow starts.

    `address` is where this server is reached from outside; `tell_ended` is told of it.
    """
    execution_id = lifecycle.create_running(connection, worker_id, trigger.target, StartInput(trigger.node), mode=MODE)
    if execution_id is None:
        return
    document = orjson.loads(trigger.definition)
    node = next(each for each in document["nodes"] if each["name"] == trigger.node)
    said = error.document(node)
    result = Result(
        execution_id,
        "error",
        MODE,
        orjson.dumps(failed_document(trigger.node, node, said), default=str),
        error_node=shorten_name(trigger.node),
        error_message=shorten(strip_unstorable(error.message)),
        keep=is_kept(document, MODE, "error"),
        failure=Failure({**said, "message": shorten(error.message)}, trigger.node, address),
    )
    lifecycle.finish(connection, worker_id, [result])
    if tell_ended is not None:
        tell_ended(connection, [execution_id])


def failed_document(name: str, node: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    """The run data of an execution that has failed before its trigger put anything out."""
    run = {
        "startTime": int(time.time() * 1000),
        "executionIndex": 0,
        "executionTime": 0,
        "executionStatus": "error",
        "source": [],
        "error": error,
    }
    data = {"main": [[{"json": {}, "pairedItem": {"item": 0}}]]}
    due = write_due([{"node": node, "data": data, "source": None}])
    return write_document(write_result({name: [run]}, error=error, last_node=name), due)
