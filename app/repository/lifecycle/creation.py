"""How an execution comes to be."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from app.repository.connection import Connection, json_of, scalar
from app.repository.notifications import NEW_CHANNEL
from app.repository.targets import Target
from app.repository.workers import hold_lease
from app.vocabulary import Mode


def _statements(row: sql.SQL, announced: sql.Composable) -> tuple[str, str]:
    """What makes a row and gives the workers a hint, and what keeps the input of the execution as well: in one
    statement, because each more would be one more round trip."""
    alone = sql.SQL("{row} RETURNING id{announced}")
    with_input = sql.SQL("""
        WITH created AS ({row} RETURNING id),
             input AS (
                 INSERT INTO execution_inputs (execution_id, start_node, items, sealed, traceparent)
                 SELECT c.id, %(start_node)s::text, %(items)s::json, %(sealed)s::bytea, %(traceparent)s::text
                   FROM created AS c
             )
        SELECT c.id{announced} FROM created AS c
    """)
    parts = {"row": row, "announced": announced}
    return alone.format(**parts).as_string(), with_input.format(**parts).as_string()


_ANNOUNCED = sql.SQL(", pg_notify({channel}, '')").format(channel=sql.Literal(NEW_CHANNEL))

CREATE, CREATE_WITH_INPUT = _statements(
    sql.SQL("""
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, retry_of, awaited)
    VALUES (%(workflow_id)s, %(version_id)s, %(project_id)s, %(mode)s, %(retry_of)s, %(awaited)s)
    """),
    _ANNOUNCED,
)

# Apart, because to look for no parent costs PostgreSQL a seventh of what the row does.
CREATE_BELOW, CREATE_BELOW_WITH_INPUT = _statements(
    sql.SQL("""
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, retry_of, parent_id, awaited, depth)
    VALUES (%(workflow_id)s, %(version_id)s, %(project_id)s, %(mode)s, %(retry_of)s, %(parent_id)s, %(awaited)s,
            coalesce((SELECT p.depth + 1 FROM executions AS p WHERE p.id = %(parent_id)s), 0))
    """),
    _ANNOUNCED,
)

CREATE_RUNNING, CREATE_RUNNING_WITH_INPUT = _statements(
    sql.SQL("""
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, parent_id, status, started_at,
                            worker_id, depth)
    VALUES (%(workflow_id)s, %(version_id)s, %(project_id)s, %(mode)s, %(parent_id)s, 'running', clock_timestamp(),
            %(worker_id)s,
            coalesce((SELECT p.depth + 1 FROM executions AS p WHERE p.id = %(parent_id)s), 0))
    """),
    sql.SQL(""),
)

MAX_DEPTH = 20
"""Executions that may follow from each other, each started by the one before."""
DEEP = 4
"""The last depth at which a project may have any number of executions that have not ended."""
MAX_DEEP = 500
"""So many it may have that are deeper: where each starts two, twenty levels would be a million."""
DEPTH = "SELECT depth FROM executions WHERE id = %(id)s"

# The depth is DEEP, as in the index.
DEEP_ONES = """
    SELECT count(*)
      FROM (SELECT 1
              FROM executions AS e
             WHERE e.project_id = %(project_id)s AND e.depth > 4 AND e.status IN ('new', 'running', 'waiting')
             LIMIT %(most)s) AS deep
"""


@dataclass(frozen=True, slots=True)
class StartInput:
    """What an execution is to be started with: at which node (None: where its mode begins), with which items.

    `items` is a JSON array of n8n's items, None: the default. `sealed` is what of them only the run may see, encrypted.
    `traceparent` is the span of whoever called for it, in the form of W3C Trace Context.
    """

    node: str | None = None
    items: bytes | None = None
    sealed: bytes | None = None
    traceparent: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody has said anything."""
        return self.node is None and self.items is None and self.traceparent is None


NO_INPUT = StartInput()


def create_execution(
    connection: Connection,
    target: Target,
    start: StartInput = NO_INPUT,
    *,
    mode: Mode,
    retry_of: int | None = None,
    parent_id: int | None = None,
    awaited: bool = False,
) -> int:
    """Queue a new execution and wake a worker; returns its id. All of it is one statement.

    `awaited`: the worker is to announce its end, because somebody waits for it.
    """
    values = {
        **parameters_of(target),
        "mode": mode,
        "retry_of": retry_of,
        "parent_id": parent_id,
        "awaited": awaited,
    }
    if start.is_empty:
        return int(scalar(connection, CREATE if parent_id is None else CREATE_BELOW, values))
    statement = CREATE_WITH_INPUT if parent_id is None else CREATE_BELOW_WITH_INPUT
    return int(scalar(connection, statement, values | input_of(start)))


def create_running(
    connection: Connection,
    worker_id: int,
    target: Target,
    start: StartInput,
    *,
    mode: Mode,
    parent_id: int | None = None,
) -> int | None:
    """Start an execution that the worker runs itself, as part of one that it holds; returns its id.

    It is never queued: its parent waits for it, and would wait for ever in a worker that has no room. None: the
    worker's lease has lapsed.
    """
    if not hold_lease(connection, worker_id):
        return None
    values = {
        **parameters_of(target),
        "mode": mode,
        "parent_id": parent_id,
        "worker_id": worker_id,
    }
    if start.is_empty:
        return int(scalar(connection, CREATE_RUNNING, values))
    return int(scalar(connection, CREATE_RUNNING_WITH_INPUT, values | input_of(start)))


def depth_of(connection: Connection, execution_id: int) -> int:
    """How many executions it is below; 0 for one that is not there."""
    return int(scalar(connection, DEPTH, {"id": execution_id}) or 0)


def has_room_below(connection: Connection, depth: int, project_id: str) -> bool:
    """Whether an execution of this depth may start another one that goes on by itself."""
    if depth < DEEP:
        return True
    return int(scalar(connection, DEEP_ONES, {"project_id": project_id, "most": MAX_DEEP})) < MAX_DEEP


def parameters_of(target: Target) -> dict[str, Any]:
    """What all statements ask for about the target."""
    return {"workflow_id": target.workflow_id, "version_id": target.version_id, "project_id": target.project_id}


def input_of(start: StartInput) -> dict[str, Any]:
    """What is kept of what somebody said to start an execution with."""
    return {
        "start_node": start.node,
        "items": json_of(start.items),
        "sealed": start.sealed,
        "traceparent": start.traceparent,
    }
