"""What an operator looks at: workers, the queue by workflow, addresses and times of triggers, sizes.

Each statement reads a bounded number of rows, whatever there are of executions.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection, scalar

MAX_QUEUED = 10_000
"""The queue is looked through from its beginning up to so many executions."""
MAX_LISTED = 200

# Looks once at all that run, which workers' slots bound (executions_in_flight).
WORKERS = """
    SELECT w.id, w.hostname, w.pid, w.concurrency AS slots, w.started_at, w.heartbeat_at,
           w.heartbeat_at > statement_timestamp() - make_interval(secs => %(lease_seconds)s) AS alive,
           coalesce(r.number, 0) AS running
      FROM workers AS w
      LEFT JOIN (SELECT e.worker_id, count(*) AS number
                   FROM executions AS e
                  WHERE e.status = 'running'
                  GROUP BY e.worker_id) AS r ON r.worker_id = w.id
     WHERE w.stopped_at IS NULL
     ORDER BY w.id DESC
     LIMIT %(most)s
"""

# Uses executions_in_flight.
QUEUE = """
    SELECT q.workflow_id, count(*) AS queued, min(q.created_at) AS oldest_at
      FROM (SELECT e.workflow_id, e.created_at
              FROM executions AS e
             WHERE e.status = 'new' AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
             ORDER BY e.id
             LIMIT %(most_queued)s) AS q
     GROUP BY q.workflow_id
     ORDER BY count(*) DESC, q.workflow_id
     LIMIT %(most)s
"""

# Uses schedules_due.
SCHEDULES = """
    SELECT s.workflow_id, w.name AS workflow_name, s.node, s.rule_index, s.next_at, s.last_at
      FROM schedules AS s
      JOIN workflows AS w ON w.id = s.workflow_id
     WHERE (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
       AND (%(workflow_ids)s::text[] IS NULL OR s.workflow_id = ANY(%(workflow_ids)s::text[]))
       AND (s.next_at, s.workflow_id, s.node, s.rule_index)
         > (%(next_at)s::timestamptz, %(workflow_id)s::text, %(node)s::text, %(rule_index)s::int)
     ORDER BY s.next_at, s.workflow_id, s.node, s.rule_index
     LIMIT %(limit)s
"""

# Uses webhooks_path_is_free.
WEBHOOKS = """
    SELECT h.workflow_id, w.name AS workflow_name, h.node, h.method, h.path, h.webhook_id, h.pattern
      FROM webhooks AS h
      JOIN workflows AS w ON w.id = h.workflow_id
     WHERE (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
       AND (%(workflow_ids)s::text[] IS NULL OR h.workflow_id = ANY(%(workflow_ids)s::text[]))
       AND (h.method, h.pattern, coalesce(h.webhook_id, ''))
         > (%(method)s::text, %(pattern)s::text, %(webhook_id)s::text)
     ORDER BY h.method, h.pattern, coalesce(h.webhook_id, '')
     LIMIT %(limit)s
"""

DATABASE_BYTES = "SELECT pg_database_size(current_database())"

# The planner's figure is as old as the last ANALYZE, the other one begins anew when PostgreSQL has crashed.
TABLE_SIZES = """
    SELECT c.relname::text AS name, pg_total_relation_size(c.oid) AS bytes,
           greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid)) AS rows
      FROM pg_class AS c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
     ORDER BY pg_total_relation_size(c.oid) DESC
     LIMIT 8
"""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker that has not said good-bye; not `alive`: its lease has lapsed."""

    id: int
    hostname: str
    pid: int
    slots: int
    started_at: datetime
    heartbeat_at: datetime
    alive: bool
    running: int


@dataclass(frozen=True, slots=True)
class QueuedWorkflow:
    """How many executions of a workflow are queued, and since when the oldest is."""

    workflow_id: str
    queued: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class NextStart:
    """When a schedule starts its workflow next."""

    workflow_id: str
    workflow_name: str
    node: str
    rule_index: int
    next_at: datetime
    last_at: datetime | None

    @property
    def place(self) -> "SchedulePlace":
        """Where the page after this row begins: the columns of the order."""
        return SchedulePlace(self.next_at, self.workflow_id, self.node, self.rule_index)


@dataclass(frozen=True, slots=True)
class SchedulePlace:
    """A place in the list of schedules; `next_at` is a time of PostgreSQL's, for there is none before all others."""

    next_at: datetime | str = "-infinity"
    workflow_id: str = ""
    node: str = ""
    rule_index: int = -1


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """Where a workflow can be called; with `webhook_id` in front where the path has parameters."""

    workflow_id: str
    workflow_name: str
    node: str
    method: str
    path: str
    webhook_id: str | None
    pattern: str

    @property
    def place(self) -> "WebhookPlace":
        """Where the page after this row begins: the columns of the order."""
        return WebhookPlace(self.method, self.pattern, self.webhook_id or "")


@dataclass(frozen=True, slots=True)
class WebhookPlace:
    """A place in the list of addresses."""

    method: str = ""
    pattern: str = ""
    webhook_id: str = ""


@dataclass(frozen=True, slots=True)
class TableSize:
    """How large a table is with its indexes; `rows` as the planner knows it."""

    name: str
    bytes: int
    rows: int


def list_workers(connection: Connection, *, lease_seconds: float) -> list[WorkerState]:
    """The workers that are there, the newest first."""
    with connection.cursor(row_factory=class_row(WorkerState)) as cursor:
        return cursor.execute(WORKERS, {"lease_seconds": lease_seconds, "most": MAX_LISTED}).fetchall()


def read_queue(connection: Connection, *, project_id: str | None) -> list[QueuedWorkflow]:
    """What waits for a worker by workflow, of the first MAX_QUEUED executions, the longest queue first."""
    with connection.cursor(row_factory=class_row(QueuedWorkflow)) as cursor:
        values = {"project_id": project_id, "most_queued": MAX_QUEUED, "most": MAX_LISTED}
        return cursor.execute(QUEUE, values).fetchall()


def list_next_starts(
    connection: Connection,
    *,
    project_id: str | None,
    workflow_ids: Sequence[str] | None = None,
    limit: int = MAX_LISTED,
    after: SchedulePlace = SchedulePlace(),
) -> list[NextStart]:
    """What schedules start next, the soonest first; of these workflows only, when some are named."""
    values = {**asdict(after), **of_workflows(project_id, workflow_ids), "limit": limit}
    with connection.cursor(row_factory=class_row(NextStart)) as cursor:
        return cursor.execute(SCHEDULES, values).fetchall()


def list_webhooks(
    connection: Connection,
    *,
    project_id: str | None,
    workflow_ids: Sequence[str] | None = None,
    limit: int = MAX_LISTED,
    after: WebhookPlace = WebhookPlace(),
) -> list[WebhookAddress]:
    """The addresses of active workflows, by method and path; of these workflows only, when some are named."""
    values = {**asdict(after), **of_workflows(project_id, workflow_ids), "limit": limit}
    with connection.cursor(row_factory=class_row(WebhookAddress)) as cursor:
        return cursor.execute(WEBHOOKS, values).fetchall()


def of_workflows(project_id: str | None, workflow_ids: Sequence[str] | None) -> dict[str, object]:
    """The parameters that keep a list to a project and to workflows; None: all."""
    return {"project_id": project_id, "workflow_ids": None if workflow_ids is None else list(workflow_ids)}


def database_bytes(connection: Connection) -> int:
    """How large the database is on disk."""
    return int(scalar(connection, DATABASE_BYTES))


def largest_tables(connection: Connection) -> list[TableSize]:
    """The largest tables with their indexes."""
    with connection.cursor(row_factory=class_row(TableSize)) as cursor:
        return cursor.execute(TABLE_SIZES).fetchall()
