"""Retries: a new execution that goes on where another failed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from psycopg import errors as pg

from app.repository import lifecycle
from app.repository.connection import Connection, json_of, scalar
from app.repository.errors import CannotRetry, ExecutionNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import Execution, ExecutionInput, list_executions, read_inputs
from app.repository.relatives import find_originals_with_data, find_roots
from app.repository.restarts import AT_FAILURE, Restart
from app.repository.targets import Target
from app.vocabulary import IN_FLIGHT, RETRYABLE, Status

# The key share lock keeps the original from being deleted before its retry stands beside it.
ORIGINAL = """
    SELECT e.status, e.workflow_id, e.workflow_version_id, e.project_id,
           EXISTS (SELECT FROM workflows AS w WHERE w.id = e.workflow_id AND w.is_archived) AS archived
      FROM executions AS e
     WHERE e.id = %(id)s AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
       FOR KEY SHARE
"""

CURRENT_VERSION = """
    SELECT w.version_id
      FROM workflows AS w
     WHERE w.id = %(workflow_id)s
       FOR KEY SHARE
"""

# What a retry that started over was given is what its own retries start over with.
COPY_INPUT = """
    INSERT INTO execution_inputs (execution_id, start_node, items)
    SELECT %(retry_id)s, i.start_node,
           CASE WHEN i.retry_from #>> '{}' = 'start' OR i.retry_from ->> 'node' = i.start_node
                THEN coalesce(i.retry_items, i.items) ELSE i.items END
      FROM execution_inputs AS i
     WHERE i.execution_id = %(id)s
"""

RECORDED_NOTHING = """
    SELECT NOT EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = %(id)s)
"""

SAVE_RESTART = """
    INSERT INTO execution_inputs AS i (execution_id, start_node, retry_from, retry_items)
    VALUES (%(retry_id)s, %(start_node)s, %(retry_from)s, %(retry_items)s)
    ON CONFLICT (execution_id) DO UPDATE
       SET start_node = coalesce(EXCLUDED.start_node, i.start_node), retry_from = EXCLUDED.retry_from,
           retry_items = EXCLUDED.retry_items
"""

# Uses executions_one_retry_in_flight.
RETRY_IN_FLIGHT = """
    SELECT e.id
      FROM executions AS e
     WHERE e.retry_of = %(id)s AND e.status IN ('new', 'running', 'waiting')
"""

PAGE = 1_000
MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class RetryAnswer:
    """What became of one execution of many: `retry_id` is its retry, or `message` says why there is none."""

    id: int
    retry_id: int | None
    message: str | None = None


def retry(
    connection: Connection,
    execution_id: int,
    *,
    load_workflow: bool,
    restart: Restart = AT_FAILURE,
    project_id: str | None = None,
) -> int:
    """Queue a retry and return its id; it runs the version that ran, or with `load_workflow` the current one.

    With a place to go on at, a success can be retried, too.

    Raises ExecutionNotFound, CannotRetry. Two retries of one execution at the same moment: the unique index
    lets one in and the other learns its id.
    """
    original = connection.execute(ORIGINAL, {"id": execution_id, "project_id": project_id}).fetchone()
    if original is None:
        raise ExecutionNotFound
    status, target, archived = original[0], Target(*original[1:4]), original[4]
    refuse_unless_retryable(status, restart)
    if archived:
        raise CannotRetry(f"Cannot retry: the workflow {target.workflow_id} is archived")
    if load_workflow:
        target = with_current_version(connection, target)
    try:
        with connection.transaction():
            return _queue_retry(connection, execution_id, target, restart)
    except pg.UniqueViolation as error:
        in_flight = scalar(connection, RETRY_IN_FLIGHT, {"id": execution_id})
        named = "" if in_flight is None else f": execution {in_flight}"
        raise CannotRetry(f"A retry of this execution is still in flight{named}") from error


def _queue_retry(connection: Connection, execution_id: int, target: Target, restart: Restart) -> int:
    retry_id = lifecycle.create_execution(connection, target, mode="retry", retry_of=execution_id)
    connection.execute(COPY_INPUT, {"id": execution_id, "retry_id": retry_id})
    restart = _again(connection, execution_id, restart)
    if not restart.is_default:
        values = {"retry_from": json_of(restart.stored_place()), "retry_items": json_of(restart.items)}
        connection.execute(SAVE_RESTART, {"retry_id": retry_id, "start_node": restart.start_node, **values})
    return retry_id


def _again(connection: Connection, execution_id: int, restart: Restart) -> Restart:
    """Where the retry of an execution goes on. A retry that recorded nothing has no failure to go on at: its own retry
    begins where it began. With other items, it starts over with these where nothing before it has recorded any, or
    where it had failed at once."""
    if restart.place == "failure" and restart.begins:
        return replace(restart, place="start")
    if restart.place != "failure" or not scalar(connection, RECORDED_NOTHING, {"id": execution_id}):
        return restart
    given = read_inputs(connection, [execution_id]).get(execution_id, ExecutionInput()).restart
    again = given if restart.items is None else replace(given, items=restart.items)
    if again.place != "failure" or again.items is None or find_originals_with_data(connection, [execution_id]):
        return again
    return replace(again, place="start")


def with_current_version(connection: Connection, target: Target) -> Target:
    """The same workflow as it is now. Raises CannotRetry."""
    version_id = scalar(connection, CURRENT_VERSION, {"workflow_id": target.workflow_id})
    if version_id is None:
        raise CannotRetry(f"Cannot retry with loadWorkflow: the workflow {target.workflow_id} no longer exists")
    return replace(target, version_id=version_id)


def refuse_unless_retryable(status: Status, restart: Restart = AT_FAILURE) -> None:
    """Raise CannotRetry for an execution that has not ended, or that succeeded and has no failure to go on at."""
    if status in IN_FLIGHT:
        raise CannotRetry("Cannot retry a running or waiting execution")
    if status == "success" and restart.place == "failure":
        raise CannotRetry("Cannot retry a successful execution")


def find_newer(connection: Connection, executions: Sequence[Execution]) -> dict[int, int]:
    """For those of these executions that are in one chain of retries, but for the newest of each, that newest: its
    retry stands for them, so that nothing is done twice."""
    roots = find_roots(connection, [execution.id for execution in executions if execution.retry_of is not None])
    ids = sorted(execution.id for execution in executions)
    newest = {roots.get(number, number): number for number in ids}
    return {number: newer for number in ids if (newer := newest[roots.get(number, number)]) != number}


@dataclass(frozen=True, slots=True)
class RetryablePage:
    """The `ids` of one page that can be retried, the id above which the next begins, and whether there is none.

    `roots`: what the chain of retries begins with that each of them is in.
    """

    ids: list[int]
    before: int | None
    is_last: bool
    roots: list[int]

    def newest_of_chains(self, taken: set[int]) -> list[int]:
        """The newest of each chain: its retry stands for those before it. The roots of chains in `taken` are left out,
        those that are found are added to it."""
        newest = []
        for execution_id, root in zip(self.ids, self.roots, strict=True):
            if root not in taken:
                taken.add(root)
                newest.append(execution_id)
        return newest


def find_retryable(connection: Connection, wanted: ExecutionFilter, *, limit: int) -> list[int]:
    """Ids of at most `limit` matching executions that failed and that no retry has mended yet, newest first; of an
    execution and its retries the newest that matches, so that nothing is done twice.

    Found among the newest 100,000 that match and failed.
    """
    retryable: list[int] = []
    taken: set[int] = set()
    before: int | None = None
    for _ in range(MAX_PAGES):
        page = retryable_page(connection, wanted, size=min(limit, PAGE), before=before)
        retryable += page.newest_of_chains(taken)
        before = page.before
        if page.is_last or len(retryable) >= limit:
            break
    return retryable[:limit]


def retryable_page(
    connection: Connection, wanted: ExecutionFilter, *, size: int, before: int | None = None
) -> RetryablePage:
    """Of a page of matching executions that failed, newest first, those that no retry has mended yet."""
    statuses = tuple(status for status in wanted.statuses or RETRYABLE if status in RETRYABLE)
    if not statuses:
        return RetryablePage([], before, is_last=True, roots=[])
    page = list_executions(connection, replace(wanted, statuses=statuses), limit=size, before=before)
    unmended = [execution for execution in page if execution.retry_success_id is None]
    roots = find_roots(connection, [execution.id for execution in unmended if execution.retry_of is not None])
    ids = [execution.id for execution in unmended]
    return RetryablePage(
        ids,
        page[-1].id if page else before,
        is_last=len(page) < size,
        roots=[roots.get(execution_id, execution_id) for execution_id in ids],
    )


def retry_many(
    connection: Connection,
    ids: Sequence[int],
    *,
    load_workflow: bool,
    restart: Restart = AT_FAILURE,
    check: Callable[[int], None] = lambda execution_id: None,
    beginning: Collection[int] = (),
    project_id: str | None = None,
) -> list[RetryAnswer]:
    """Retry each of these executions; one that cannot be retried says why and does not keep the others back.

    `check` raises CannotRetry for one that cannot go on where `restart` says; those in `beginning` had
    begun there.
    """
    answers = {}
    for execution_id in sorted(ids):  # as everything locks that locks several
        try:
            check(execution_id)
            retry_id = retry(
                connection,
                execution_id,
                load_workflow=load_workflow,
                restart=replace(restart, begins=execution_id in beginning),
                project_id=project_id,
            )
            answers[execution_id] = RetryAnswer(execution_id, retry_id)
        except (CannotRetry, ExecutionNotFound) as error:
            answers[execution_id] = RetryAnswer(execution_id, None, error.message)
    return [answers[execution_id] for execution_id in ids]
