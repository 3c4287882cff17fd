"""How the worker that holds an execution records what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

from psycopg import Cursor

from app.repository import counters, execution_events, notifications, static_data, triggers
from app.repository.connection import Connection
from app.repository.custom_data import save_custom_data
from app.repository.execution_data import Encoded, encode_run_data
from app.repository.failure_patterns import MAX_MESSAGE_LENGTH
from app.repository.known_problems import KnownProblems
from app.repository.lifecycle.endings import LOCK_CHAINS, Ending, ends_a_chain, follow_up
from app.repository.lifecycle.error_workflows import Failure
from app.repository.lifecycle.finish_statements import (
    FINISH,
    FINISH_FAILED,
    FINISH_MANY,
    FINISH_MANY_FAILED,
    KEEP_STOPPED_DATA,
)
from app.repository.lifecycle.parents import wake_if_over
from app.repository.static_data import StaticChange
from app.vocabulary import Ended, Mode

AT_ONCE = 100
MAX_BYTES_AT_ONCE = 256 * 1024
"""Run data that one statement records for several executions; larger data has a statement of its own."""

NO_DATA = {"encoding": None, "encoded": None, "run_index": None}

# It waits: what goes on from here does so with the data that is recorded, and with another call.
FORGET_CALL = """
    UPDATE execution_inputs AS i
       SET resume_items = NULL, sealed = NULL
     WHERE i.execution_id = %(id)s AND (i.resume_items IS NOT NULL OR i.sealed IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker wants to record; `status` success, error, waiting (with a condition to go on) or canceled.

    `data` is JSON in n8n's shape; large data is encoded already, because it takes longer than a transaction may. None:
    what was recorded before stays as it is, or the execution has none.
    `waits_for`: the sub-workflow's execution whose end it waits for.
    `waiting_node`: the node of it that waits for a call, JSON too. `awaited`: somebody is to be told of the end.
    `answer` is what a webhook's caller gets. `keep` False: the workflow's settings say that nothing is kept.
    `failure`: what its error workflow is told, if it has one.
    `static_data` is what the run has changed of what its workflow keeps, whatever has become of the run. `has_proof`:
    what has proved its caller is kept with its input, and to be forgotten. `input_preview`: what lists show of what it
    was about, a JSON object. `workflow_id`: for a guess at the problem that a failure belongs to.
    """

    id: int
    status: Ended | Literal["waiting"]
    mode: Mode
    data: bytes | Encoded | None
    error_node: str | None = None
    error_message: str | None = None
    wait_till: datetime | None = None
    resume_on: str | None = None
    waits_for: int | None = None
    waiting_node: bytes | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    awaited: bool = False
    answer: bytes | None = None
    keep: bool = True
    failure: Failure | None = None
    static_data: tuple[StaticChange, ...] = ()
    has_proof: bool = False
    input_preview: bytes | None = None
    workflow_id: str | None = None


def finish(
    connection: Connection, worker_id: int, results: Sequence[Result], known: KnownProblems | None = None
) -> set[int]:
    """Record the results of executions that this worker holds, in one pipelined round trip.

    Returns the ids that were recorded. The others are no longer this worker's: stopped, reaped or deleted. Of
    one that was stopped the data is still kept. What follows from a result (a retry's chain, an answer, an error
    workflow) happens in the same transaction or not at all. Failures of `known` problems are named at once.
    """
    results = sorted(results, key=attrgetter("id"))
    wanted = [
        statement_parameters(result, data, worker_id, known)
        for result, data in zip(results, encode_results(results), strict=True)
    ]
    counted = len(results) == 1 and may_be_counted_at_once(results[0])
    if counted:
        wanted[0]["counted_as"] = counters.encode_labels({"status": results[0].status, "mode": results[0].mode})
    with connection.pipeline():
        if any(ends_a_chain(result.status, result.mode) for result in results):
            connection.execute(LOCK_CHAINS, {"ids": [result.id for result in results]})
        ended = [record_part(connection, part) for part in parts_of(wanted)]
        stopped = [connection.execute(KEEP_STOPPED_DATA, values) for values in wanted if values["status"] == "canceled"]
    rows = [row for cursor in ended for row in cursor]
    ended_ids = {execution_id for execution_id, _ in rows}
    recorded_results = [result for result in results if result.id in ended_ids]
    with connection.pipeline():
        for result in recorded_results:
            save_rest(connection, result)
        if any(watched for _, watched in rows):
            execution_events.note(connection, sorted(ended_ids))
        follow_up(connection, endings_of(recorded_results), counted_by=None if counted else worker_id)
    recorded = ended_ids.union(row[0] for cursor in stopped for row in cursor)
    changed = [change for result in results if result.id in recorded for change in result.static_data]
    static_data.save(connection, changed)
    return recorded


def may_be_counted_at_once(result: Result) -> bool:
    """Whether this end, if it is alone, may be counted by the statement that records it.

    The total of a worker is held until its transaction ends. So whatever may have to wait for another end of the same
    worker (a chain of retries, a parent, what its workflow keeps, what goes with what is dropped) has to come before.
    """
    return (
        result.status in ("success", "error")
        and result.keep
        and result.mode != "integrated"
        and not ends_a_chain(result.status, result.mode)
        and not result.static_data
    )


def parts_of(wanted: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """What is recorded by a statement each, in the order that it comes in: several small ends, or one of anything."""
    part: list[dict[str, Any]] = []
    room = 0
    for values in wanted:
        size, ends = len(values["encoded"] or b""), values["status"] in ("success", "error")
        alone = not ends or values["run_index"] is not None or values["encoded"] is None
        room -= size
        if part and (alone or room < 0 or len(part) == AT_ONCE):
            yield part
            part = []
        if not part:
            room = MAX_BYTES_AT_ONCE - size
        part.append(values)
        if alone:
            yield part
            part = []
    if part:
        yield part


def record_part(connection: Connection, part: Sequence[dict[str, Any]]) -> Cursor[tuple[Any, ...]]:
    """Record these results of one worker, which `parts_of` has put together.

    The cursor gives the ids that it held, each with whether somebody watches (execution_events.py).
    """
    failed = any(values["status"] == "error" for values in part)
    if len(part) == 1:
        return connection.execute(FINISH_FAILED if failed else FINISH, part[0])
    columns = {
        "ids": "id",
        "statuses": "status",
        "error_nodes": "error_node",
        "error_messages": "error_message",
        "problem_ids": "problem_id",
        "sizes": "json_size_bytes",
        "previews": "input_preview",
        "encodings": "encoding",
        "contents": "encoded",
    }
    values = {name: [each[key] for each in part] for name, key in columns.items()}
    return connection.execute(
        FINISH_MANY_FAILED if failed else FINISH_MANY,
        {**values, "worker_id": part[0]["worker_id"], "longest": MAX_MESSAGE_LENGTH},
    )


def encode_results(results: Sequence[Result]) -> list[Encoded | None]:
    """The data of the results as it is to be stored; None where none is."""
    encoded = iter(encode_run_data([result.data for result in results if isinstance(result.data, bytes)]))
    return [next(encoded) if isinstance(result.data, bytes) else result.data for result in results]


def statement_parameters(
    result: Result, data: Encoded | None, worker_id: int, known: KnownProblems | None
) -> dict[str, Any]:
    """What FINISH and KEEP_STOPPED_DATA ask for."""
    return {
        "id": result.id,
        "worker_id": worker_id,
        "counted_as": None,
        "longest": MAX_MESSAGE_LENGTH,
        "status": result.status,
        "wait_till": result.wait_till,
        "resume_on": result.resume_on,
        "waits_for": result.waits_for,
        "error_node": result.error_node,
        "error_message": result.error_message,
        "problem_id": None if known is None else guess_problem(result, known),
        "json_size_bytes": None if data is None else data.json_bytes,
        "input_preview": None if result.input_preview is None else result.input_preview.decode(),
        **(NO_DATA if data is None else data.values()),
        "waiting_node": None if result.waiting_node is None else result.waiting_node.decode(),
    }


def guess_problem(result: Result, known: KnownProblems) -> int | None:
    """The problem that a failure belongs to, if that is known."""
    if result.status != "error" or result.workflow_id is None:
        return None
    return known.guess(result.workflow_id, result.error_node, result.error_message)


def save_rest(connection: Connection, result: Result) -> None:
    """Save what a recorded result brings beside its data."""
    save_custom_data(connection, result.id, result.metadata)
    if result.status == "waiting" and result.data is not None:
        connection.execute(FORGET_CALL, {"id": result.id})
    if result.waits_for is not None:
        wake_if_over(connection, result.id)
    if result.answer is not None:
        triggers.save_answer(connection, result.id, result.answer)
        if result.awaited and result.status == "waiting":  # the caller has its answer before the end
            notifications.announce_answer(connection, result.id)


def endings_of(results: Sequence[Result]) -> list[Ending]:
    """Those of the results that are ends."""
    return [
        Ending(result.id, result.status, result.mode, result.failure, result.awaited, result.keep, result.has_proof)
        for result in results
        if result.status != "waiting"
    ]
