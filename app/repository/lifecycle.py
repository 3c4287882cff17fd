"""The state machine of executions: how one comes to be, is claimed, ends, is stopped or given up as crashed.

| from                  | to                      | by                                      |
| (none)                | new                     | create_execution                        |
| new, due waiting      | running                 | claim                                   |
| running               | success, error, waiting | finish, by the worker that holds it     |
| new, running, waiting | canceled                | stop, stop_many                         |
| running               | crashed                 | reap (app/repository/workers.py)        |

Each step is one statement guarded by the state that it leaves. Nothing leaves an ended state: a late
result of a stopped or reaped run matches no row and is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from psycopg import sql

from app.repository import counters
from app.repository.connection import Connection
from app.repository.errors import CannotStop, ExecutionNotFound
from app.repository.execution_counts import scalar
from app.repository.execution_filters import ExecutionFilter

NEW_CHANNEL = "executions_new"
STOP_CHANNEL = "executions_stop"

CREATE = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, retry_of)
    VALUES (%(workflow_id)s, %(version_id)s, %(project_id)s, %(mode)s, %(retry_of)s)
    RETURNING id
"""

SAVE_INPUT = """
    INSERT INTO execution_inputs (execution_id, start_node, items)
    VALUES (%(id)s, %(start_node)s, %(items)s::text::json)
"""

NOTIFY = "SELECT pg_notify(%(channel)s, %(payload)s)"

# The share lock on the worker's own row makes a claim and the reaping of that worker wait for each other.
LOCK_WORKER = """
    SELECT true
      FROM workers AS w
     WHERE w.id = %(worker_id)s AND w.stopped_at IS NULL
       FOR SHARE
"""

# Uses executions_by_status; ids that another claim holds are skipped, not waited for.
CLAIM_NEW = """
    UPDATE executions AS e
       SET status = 'running', worker_id = %(worker_id)s, started_at = clock_timestamp()
     WHERE e.id = ANY(ARRAY(
               SELECT q.id FROM executions AS q
                WHERE q.status = 'new'
                ORDER BY q.id
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED))
       AND e.status = 'new'
    RETURNING e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, false,
              extract(epoch FROM e.started_at - e.created_at)::float
"""

# Uses executions_waiting.
CLAIM_DUE = """
    UPDATE executions AS e
       SET status = 'running', worker_id = %(worker_id)s, wait_till = NULL, resume_on = NULL
     WHERE e.id = ANY(ARRAY(
               SELECT q.id FROM executions AS q
                WHERE q.status = 'waiting' AND q.wait_till <= clock_timestamp()
                ORDER BY q.wait_till
                LIMIT %(limit)s
                  FOR UPDATE SKIP LOCKED))
       AND e.status = 'waiting'
    RETURNING e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, true,
              NULL::float
"""

# Only the worker that holds a running execution may end it; the data is written where the guard held.
FINISH = """
    WITH finished AS (
        UPDATE executions AS e
           SET status = %(status)s,
               stopped_at = CASE WHEN %(status)s = 'waiting' THEN NULL ELSE clock_timestamp() END,
               wait_till = %(wait_till)s,
               error_node = %(error_node)s,
               error_message = %(error_message)s,
               json_size_bytes = octet_length(%(data)s::text)
         WHERE e.id = %(id)s AND e.status = 'running' AND e.worker_id = %(worker_id)s
        RETURNING e.id)
    INSERT INTO execution_data AS d (execution_id, data)
    SELECT f.id, %(data)s::text::json FROM finished AS f
    ON CONFLICT (execution_id) DO UPDATE SET data = EXCLUDED.data
    RETURNING d.execution_id
"""

# What ran before a stop stays readable: the worker that was stopped adds it to the canceled execution.
KEEP_STOPPED_DATA = """
    WITH stopped AS (
        UPDATE executions AS e
           SET json_size_bytes = octet_length(%(data)s::text)
         WHERE e.id = %(id)s AND e.status = 'canceled' AND e.worker_id = %(worker_id)s
        RETURNING e.id)
    INSERT INTO execution_data AS d (execution_id, data)
    SELECT s.id, %(data)s::text::json FROM stopped AS s
    ON CONFLICT (execution_id) DO UPDATE SET data = EXCLUDED.data
    RETURNING d.execution_id
"""

SAVE_METADATA = """
    INSERT INTO execution_metadata (execution_id, key, value)
    VALUES (%(id)s, %(key)s, %(value)s)
    ON CONFLICT (execution_id, key) DO UPDATE SET value = EXCLUDED.value
"""

LINK_RETRY_CHAIN = """
    WITH RECURSIVE chain AS (
        SELECT e.id, e.retry_of FROM executions AS e WHERE e.id = %(id)s
        UNION
        SELECT e.id, e.retry_of FROM executions AS e JOIN chain AS c ON e.id = c.retry_of)
    UPDATE executions AS e
       SET retry_success_id = %(id)s
     WHERE e.id IN (SELECT c.retry_of FROM chain AS c)
"""

STOP = """
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
     WHERE e.id = %(id)s AND e.status IN ('new', 'running', 'waiting')
       AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
    RETURNING e.mode, e.worker_id
"""

STATUS = """
    SELECT e.status
      FROM executions AS e
     WHERE e.id = %(id)s AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
"""

# Locked in the order of ids, so that two of these at once wait for each other instead of deadlocking.
STOP_MANY = sql.SQL("""
    UPDATE executions AS e
       SET status = 'canceled', stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL
     WHERE e.id = ANY(ARRAY(
               SELECT e.id FROM executions AS e
                WHERE {condition} AND e.status IN ('new', 'running', 'waiting')
                ORDER BY e.id
                  FOR UPDATE))
    RETURNING e.id, e.mode, e.worker_id
""")

# Uses executions_running. For a claim of which the answer was lost on its way.
HELD = """
    SELECT e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of,
           EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id), NULL::float
      FROM executions AS e
     WHERE e.status = 'running' AND e.worker_id = %(worker_id)s AND e.id <> ALL(%(known)s::bigint[])
     ORDER BY e.id
"""

HELD_NO_MORE = """
    SELECT h.id
      FROM unnest(%(ids)s::bigint[]) AS h (id)
      LEFT JOIN executions AS e ON e.id = h.id AND e.status = 'running' AND e.worker_id = %(worker_id)s
     WHERE e.id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution that a worker now holds. `resumed`: it waited before. `waited_seconds`: from created to claimed."""

    id: int
    workflow_id: str
    workflow_version_id: UUID
    project_id: str
    mode: str
    retry_of: int | None
    resumed: bool
    waited_seconds: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker wants to record; `status` success, error, waiting (then with `wait_till`) or canceled.

    `data` is JSON in n8n's shape, encoded once by the worker.
    """

    id: int
    status: str
    mode: str
    data: bytes
    error_node: str | None = None
    error_message: str | None = None
    wait_till: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()


def create_execution(
    connection: Connection,
    *,
    workflow_id: str,
    version_id: UUID,
    project_id: str,
    mode: str,
    retry_of: int | None = None,
    start_node: str | None = None,
    items: bytes | None = None,
) -> int:
    """Queue a new execution and wake a worker; returns its id. `items` is a JSON array of n8n's items."""
    execution_id = int(
        scalar(
            connection,
            CREATE,
            {
                "workflow_id": workflow_id,
                "version_id": version_id,
                "project_id": project_id,
                "mode": mode,
                "retry_of": retry_of,
            },
        )
    )
    if start_node is not None or items is not None:
        text = None if items is None else items.decode()
        connection.execute(SAVE_INPUT, {"id": execution_id, "start_node": start_node, "items": text})
    connection.execute(NOTIFY, {"channel": NEW_CHANNEL, "payload": ""})
    return execution_id


def claim(connection: Connection, worker_id: int, limit: int) -> list[Claim]:
    """Take at most `limit` executions: those whose wait is over, then the oldest of the queue.

    Takes nothing for a worker whose lease has lapsed.
    """
    if limit < 1 or not scalar(connection, LOCK_WORKER, {"worker_id": worker_id}):
        return []
    claims: list[Claim] = []
    for statement in (CLAIM_DUE, CLAIM_NEW):
        if len(claims) < limit:
            rows = connection.execute(statement, {"worker_id": worker_id, "limit": limit - len(claims)})
            claims += [Claim(*row) for row in rows]
    return claims


def claimed_unknowingly(connection: Connection, worker_id: int, known: Sequence[int]) -> list[Claim]:
    """Executions that this worker holds without knowing it, because the answer to its claim was lost."""
    rows = connection.execute(HELD, {"worker_id": worker_id, "known": list(known)})
    return [Claim(*row) for row in rows]


def finish(connection: Connection, worker_id: int, results: Sequence[Result]) -> set[int]:
    """Record the results of executions that this worker holds, in one pipelined round trip.

    Returns the ids that were recorded. The others are no longer this worker's: stopped, reaped or deleted.
    """
    parameters = [
        {
            "id": result.id,
            "worker_id": worker_id,
            "status": result.status,
            "wait_till": result.wait_till,
            "error_node": result.error_node,
            "error_message": result.error_message,
            "data": result.data.decode(),
        }
        for result in sorted(results, key=attrgetter("id"))
    ]
    with connection.pipeline():
        cursors = [
            connection.execute(KEEP_STOPPED_DATA if p["status"] == "canceled" else FINISH, p) for p in parameters
        ]
    recorded = {row[0] for cursor in cursors for row in cursor}
    kept = [result for result in results if result.id in recorded]
    with connection.pipeline():
        for result in kept:
            for key, value in result.metadata:
                connection.execute(SAVE_METADATA, {"id": result.id, "key": key, "value": value})
            if result.status == "success" and result.mode == "retry":
                connection.execute(LINK_RETRY_CHAIN, {"id": result.id})
    counters.count_ended(connection, worker_id, [(r.status, r.mode) for r in kept if r.status in ("success", "error")])
    return recorded


def stop(connection: Connection, execution_id: int, *, project_id: str | None = None) -> None:
    """Cancel an execution and tell the worker that runs it. Raises ExecutionNotFound, CannotStop."""
    where = {"id": execution_id, "project_id": project_id}
    stopped = connection.execute(STOP, where).fetchone()
    if stopped is None:
        status = scalar(connection, STATUS, where)
        raise (
            ExecutionNotFound if status is None else CannotStop(f"Cannot stop an execution whose status is {status}")
        )
    tell_workers(connection, [(execution_id, *stopped)])


def stop_many(connection: Connection, wanted: ExecutionFilter) -> int:
    """Cancel whatever matches and has not ended; returns how many."""
    condition, parameters = wanted.condition()
    stopped = connection.execute(STOP_MANY.format(condition=condition), parameters).fetchall()
    tell_workers(connection, stopped)
    return len(stopped)


def tell_workers(connection: Connection, stopped: Sequence[tuple[int, str, int | None]]) -> None:
    """Count what was canceled, and name to the workers what they should abort."""
    counters.count_ended(connection, counters.NOBODY, [("canceled", mode) for _, mode, _ in stopped])
    with connection.pipeline():
        for execution_id, _, worker_id in stopped:
            if worker_id is not None:
                connection.execute(NOTIFY, {"channel": STOP_CHANNEL, "payload": str(execution_id)})


def held_no_more(connection: Connection, worker_id: int, ids: Sequence[int]) -> set[int]:
    """Which of the executions that a worker believes it holds it does not hold: stopped, reaped or deleted."""
    rows = connection.execute(HELD_NO_MORE, {"ids": list(ids), "worker_id": worker_id})
    return {row[0] for row in rows}
