"""Executions as readers see them: one, a page of them, and what they left behind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg.rows import args_row

from app.repository.connection import Connection
from app.repository.errors import ExecutionNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement
from app.repository.restarts import AT_FAILURE, Restart, read_restart
from app.vocabulary import Mode, Status


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that an execution carries."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a workflow.

    Times are aware and in UTC. `workflow_name` is the name of the version that ran. `json_size_bytes` is
    the size of the run's data as JSON, 0 while there is none. `input_preview`: a JSON object of the first fields of
    what it began with.
    """

    id: int
    workflow_id: str
    workflow_name: str
    workflow_version_id: UUID
    project_id: str
    status: Status
    mode: Mode
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    wait_till: datetime | None
    retry_of: int | None
    retry_success_id: int | None
    error_node: str | None
    error_message: str | None
    json_size_bytes: int
    vote: str | None
    note: str | None
    tagged: bool
    input_preview: bytes | None = None
    tags: tuple[Tag, ...] = ()


MISSING = """
    SELECT wanted.id
      FROM unnest(%(ids)s::bigint[]) AS wanted (id)
     WHERE NOT EXISTS (SELECT FROM executions AS e WHERE e.id = wanted.id)
"""

TAGS = """
    SELECT et.execution_id, t.id, t.name
      FROM execution_tags AS et
      JOIN tags AS t ON t.id = et.tag_id
     WHERE et.execution_id = ANY(%(ids)s)
     ORDER BY et.execution_id, t.name, t.id
"""

# What takes more than so many bytes as it is stored is left out: its size is known without a look at it.
INPUT = """
    SELECT i.execution_id, i.start_node, CASE WHEN s.large THEN NULL ELSE i.items END,
           CASE WHEN s.large THEN NULL ELSE i.resume_items END, i.sealed, i.retry_from,
           CASE WHEN s.large THEN NULL ELSE i.retry_items END, s.large
      FROM execution_inputs AS i
     CROSS JOIN LATERAL (
           SELECT coalesce(pg_column_size(i.items), 0) + coalesce(pg_column_size(i.resume_items), 0)
                  + coalesce(pg_column_size(i.retry_items), 0) > %(most)s::int AS large) AS s
     WHERE i.execution_id = ANY(%(ids)s)
"""

# The size of the JSON, so that nothing of the data is looked at.
MORE_DATA = """
    SELECT e.id
      FROM executions AS e
     WHERE e.id = ANY(%(ids)s) AND e.json_size_bytes > %(most)s
"""


@dataclass(frozen=True, slots=True)
class ExecutionInput:
    """What an execution was started with: the node to start at, and a JSON array of n8n's items; None: the default.

    `resume_items` is what a call brought that ended its wait, `sealed` what has proved who made that call or the one
    that started it, encrypted. `restart` is where a retry goes on.
    """

    start_node: str | None = None
    items: bytes | None = None
    resume_items: bytes | None = None
    sealed: bytes | None = None
    restart: Restart = AT_FAILURE
    unread: bool = False


def list_executions(
    connection: Connection, wanted: ExecutionFilter, *, limit: int, before: int | None = None
) -> list[Execution]:
    """At most `limit` executions that match, newest first; with `before`, only ids below it."""
    statement, parameters = page_statement(wanted, limit=limit, before=before)
    with connection.cursor(row_factory=args_row(Execution)) as cursor:
        page = cursor.execute(statement, parameters, prepare=False).fetchall()
    return with_tags(connection, page)


def get_execution(connection: Connection, execution_id: int, *, project_id: str | None = None) -> Execution:
    """The execution with this id, within a project when one is given. Raises ExecutionNotFound."""
    executions = get_executions(connection, [execution_id], project_id=project_id)
    if not executions:
        raise ExecutionNotFound
    return executions[0]


def get_executions(connection: Connection, ids: Sequence[int], *, project_id: str | None = None) -> list[Execution]:
    """Those of the executions that exist, newest first, within a project when one is given."""
    wanted = ExecutionFilter(ids=tuple(ids), visible_project=project_id)
    return list_executions(connection, wanted, limit=len(ids))


def batches(executions: Iterable[Execution], most_bytes: int) -> Iterator[list[Execution]]:
    """These executions, as many at once as have so many bytes of data, or one that has more."""
    batch: list[Execution] = []
    size = 0
    for execution in executions:
        if batch and size + execution.json_size_bytes > most_bytes:
            yield batch
            batch, size = [], 0
        batch.append(execution)
        size += execution.json_size_bytes
    if batch:
        yield batch


def find_missing(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those of these ids that are no execution's, or no longer."""
    return {number for (number,) in connection.execute(MISSING, {"ids": list(ids)})}


def with_tags(connection: Connection, page: list[Execution]) -> list[Execution]:
    """Fill in the tags of a page of executions with one more statement, where any of them may have some."""
    ids = [row.id for row in page if row.tagged]
    if not ids:
        return page
    tags: dict[int, list[Tag]] = {}
    for execution_id, tag_id, name in connection.execute(TAGS, {"ids": ids}):
        tags.setdefault(execution_id, []).append(Tag(tag_id, name))
    return [replace(row, tags=tuple(tags[row.id])) if row.id in tags else row for row in page]


def read_inputs(connection: Connection, ids: Sequence[int], most: int | None = None) -> dict[int, ExecutionInput]:
    """What these executions were started with; those that nobody said anything about are left out.

    Without the items of those that take more than `most` bytes as they are stored.
    """
    rows = connection.execute(INPUT, {"ids": list(ids), "most": most})
    return {
        execution_id: ExecutionInput(
            start, items, resume_items, sealed, read_restart(place, retry_items), unread=bool(large)
        )
        for execution_id, start, items, resume_items, sealed, place, retry_items, large in rows
    }


def with_more_data(connection: Connection, ids: Sequence[int], most: int) -> set[int]:
    """Those of these executions whose data has more than `most` bytes as JSON."""
    return {number for (number,) in connection.execute(MORE_DATA, {"ids": list(ids), "most": most})}
