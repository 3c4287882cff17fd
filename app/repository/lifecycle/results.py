"""How the worker that holds an execution records what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

from psycopg import Cursor, sql

from app.repository import execution_events, notifications, static_data, triggers
from app.repository.connection import Connection
from app.repository.custom_data import save_custom_data
from app.repository.execution_data import Encoded, encode_run_data
from app.repository.known_problems import KnownProblems
from app.repository.lifecycle.endings import LOCK_CHAINS, Ending, ends_a_chain, follow_up
from app.repository.lifecycle.error_workflows import Failure
from app.repository.lifecycle.parents import wake_if_over
from app.repository.static_data import StaticChange
from app.vocabulary import Ended, Mode

SAVE_DATA = sql.SQL("""
    -- The end of a statement whose guard gives the ids `recorded`: the data is written where the guard held.
    INSERT INTO execution_data AS d (execution_id, encoding, encoded, run_index, waiting_node)
    SELECT r.id, %(encoding)s, %(encoded)s::bytea, %(run_index)s::bytea, %(waiting_node)s::text::json FROM recorded AS r
    ON CONFLICT (execution_id) DO UPDATE
       SET data = NULL, encoding = EXCLUDED.encoding, encoded = EXCLUDED.encoded, run_index = EXCLUDED.run_index,
           waiting_node = EXCLUDED.waiting_node
    RETURNING d.execution_id
""")

# Only the worker that holds a running execution may end it.
FINISH = (
    sql.SQL("""
    WITH recorded AS (
        UPDATE executions AS e
           SET status = %(status)s,
               stopped_at = CASE WHEN %(status)s = 'waiting' THEN NULL ELSE clock_timestamp() END,
               wait_till = %(wait_till)s,
               resume_on = %(resume_on)s,
               waits_for = %(waits_for)s,
               error_node = %(error_node)s,
               error_message = %(error_message)s,
               problem_id = %(problem_id)s,
               json_size_bytes = %(json_size_bytes)s,
               input_preview = %(input_preview)s::text::json
         WHERE e.id = %(id)s AND e.status = 'running' AND e.worker_id = %(worker_id)s
        RETURNING e.id)
    {save_data}
""")
    .format(save_data=SAVE_DATA)
    .as_string()
)

# The same for many that have ended: to begin a statement, with every index and constraint, costs PostgreSQL more than a
# row does. They are locked in the order of ids, as by one statement each. (As in execution_totals.APPEND, no plan is
# made for how many they are.)
FINISH_MANY = """
    WITH locked AS MATERIALIZED (
        SELECT e.id
          FROM executions AS e
         WHERE e.id = ANY(ARRAY(SELECT unnest(%(ids)s::bigint[])))
           AND e.status = 'running' AND e.worker_id = %(worker_id)s
         ORDER BY e.id
           FOR NO KEY UPDATE),
    recorded AS (
        UPDATE executions AS e
           SET status = r.status, stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL, waits_for = NULL,
               error_node = r.error_node, error_message = r.error_message, problem_id = r.problem_id,
               json_size_bytes = r.json_size_bytes, input_preview = r.input_preview::json
          FROM locked AS l
          JOIN unnest(%(ids)s::bigint[], %(statuses)s::text[], %(error_nodes)s::text[], %(error_messages)s::text[],
                      %(problem_ids)s::bigint[], %(sizes)s::bigint[], %(previews)s::text[], %(encodings)s::text[],
                      %(contents)b::bytea[])
            AS r (id, status, error_node, error_message, problem_id, json_size_bytes, input_preview, encoding, encoded)
            ON r.id = l.id
         WHERE e.id = l.id AND e.status = 'running' AND e.worker_id = %(worker_id)s
        RETURNING e.id, r.encoding, r.encoded)
    INSERT INTO execution_data AS d (execution_id, encoding, encoded)
    SELECT r.id, r.encoding, r.encoded FROM recorded AS r
    ON CONFLICT (execution_id) DO UPDATE
       SET data = NULL, encoding = EXCLUDED.encoding, encoded = EXCLUDED.encoded, run_index = NULL, waiting_node = NULL
    RETURNING d.execution_id
"""
AT_ONCE = 100
MAX_BYTES_AT_ONCE = 256 * 1024
"""Run data that one statement records for several executions; larger data has a statement of its own."""

# What ran before a stop stays readable: the worker that was stopped adds it to the canceled execution.
KEEP_STOPPED_DATA = (
    sql.SQL("""
    WITH recorded AS (
        UPDATE executions AS e
           SET json_size_bytes = %(json_size_bytes)s, input_preview = %(input_preview)s::text::json
         WHERE e.id = %(id)s AND e.status = 'canceled' AND e.worker_id = %(worker_id)s
        RETURNING e.id)
    {save_data}
""")
    .format(save_data=SAVE_DATA)
    .as_string()
)

# It waits: what goes on from here does so with the data that is recorded, and with another call.
FORGET_CALL = """
    UPDATE execution_inputs AS i
       SET resume_items = NULL, sealed = NULL
     WHERE i.execution_id = %(id)s AND (i.resume_items IS NOT NULL OR i.sealed IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker wants to record; `status` success, error, waiting (with a condition to go on) or canceled.

    `data` is JSON in n8n's shape; large data is encoded already, because it takes longer than a transaction may.
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
    data: bytes | Encoded
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
    with connection.pipeline():
        if any(ends_a_chain(result.status, result.mode) for result in results):
            connection.execute(LOCK_CHAINS, {"ids": [result.id for result in results]})
        ended = [record_part(connection, part) for part in parts_of(wanted)]
        stopped = [connection.execute(KEEP_STOPPED_DATA, values) for values in wanted if values["status"] == "canceled"]
    ended_ids = {row[0] for cursor in ended for row in cursor}
    recorded_results = [result for result in results if result.id in ended_ids]
    with connection.pipeline():
        for result in recorded_results:
            save_rest(connection, result)
        execution_events.note(connection, [result.id for result in recorded_results if result.status == "waiting"])
        follow_up(connection, endings_of(recorded_results), counted_by=worker_id)
    recorded = ended_ids.union(row[0] for cursor in stopped for row in cursor)
    changed = [change for result in results if result.id in recorded for change in result.static_data]
    static_data.save(connection, changed)
    return recorded


def parts_of(wanted: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """What is recorded by a statement each, in the order that it comes in: several small ends, or one of anything."""
    part: list[dict[str, Any]] = []
    room = 0
    for values in wanted:
        alone = values["status"] not in ("success", "error") or values["run_index"] is not None
        room -= len(values["encoded"])
        if part and (alone or room < 0 or len(part) == AT_ONCE):
            yield part
            part = []
        if not part:
            room = MAX_BYTES_AT_ONCE - len(values["encoded"])
        part.append(values)
        if alone:
            yield part
            part = []
    if part:
        yield part


def record_part(connection: Connection, part: Sequence[dict[str, Any]]) -> Cursor[tuple[Any, ...]]:
    """Record these results of one worker, which `parts_of` has put together; the cursor gives the ids that it held."""
    if len(part) == 1:
        return connection.execute(FINISH, part[0])
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
    return connection.execute(FINISH_MANY, {**values, "worker_id": part[0]["worker_id"]})


def encode_results(results: Sequence[Result]) -> list[Encoded]:
    """The data of the results as it is to be stored."""
    encoded = iter(encode_run_data([result.data for result in results if isinstance(result.data, bytes)]))
    return [result.data if isinstance(result.data, Encoded) else next(encoded) for result in results]


def statement_parameters(result: Result, data: Encoded, worker_id: int, known: KnownProblems | None) -> dict[str, Any]:
    """What FINISH and KEEP_STOPPED_DATA ask for."""
    return {
        "id": result.id,
        "worker_id": worker_id,
        "status": result.status,
        "wait_till": result.wait_till,
        "resume_on": result.resume_on,
        "waits_for": result.waits_for,
        "error_node": result.error_node,
        "error_message": result.error_message,
        "problem_id": None if known is None else guess_problem(result, known),
        "json_size_bytes": data.json_bytes,
        "input_preview": None if result.input_preview is None else result.input_preview.decode(),
        **data.values(),
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
    if result.status == "waiting":
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
