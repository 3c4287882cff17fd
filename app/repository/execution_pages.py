"""A page of a list with the counts that stand beside it, in as few round trips as possible."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import errors as pg
from psycopg.rows import args_row

from app.repository.connection import Connection
from app.repository.execution_counts import (
    CONCURRENT,
    Count,
    ask_for_count,
    count_running,
    estimate,
    resolve_count,
)
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_lists import page_statement
from app.repository.executions import Execution, list_executions, with_tags


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """`executions` newest first; `count` of all that match, on all pages; `running`: how many run now."""

    executions: list[Execution]
    count: Count
    running: int


def read_page(
    connection: Connection,
    wanted: ExecutionFilter,
    *,
    limit: int,
    before: int | None = None,
    known: Count | None = None,
    beside: Callable[[Connection], None] | None = None,
) -> ExecutionPage:
    """At most `limit` executions that match, newest first, with `before` only ids below it, and the counts.

    An estimate that is `known` spares the counting, an exact count does while nothing has changed. What `beside` asks
    for comes in the same round trip. Needs a connection outside any transaction (`connection.reading`).
    """
    statement, parameters = page_statement(wanted, limit=limit, before=before)
    cursor = connection.cursor(row_factory=args_row(Execution))
    answer = None
    try:
        with connection.pipeline():
            if beside is not None:
                beside(connection)
            cursor.execute(statement, parameters, prepare=False)
            running = connection.execute(CONCURRENT, {"project_id": wanted.visible_project})
            if known is None or not known.estimated:
                # Not `connection.transaction()`, which in a pipeline waits for four answers.
                connection.execute("BEGIN")
                answer = ask_for_count(connection, wanted, known)
                connection.execute("COMMIT")
    except pg.QueryCanceled:
        connection.rollback()
        return without_counting(connection, wanted, limit, before)
    if answer is not None:
        [row] = answer.fetchall()
        known = resolve_count(connection, wanted, known, *row)
    [(number,)] = running.fetchall()
    assert known is not None
    return ExecutionPage(with_tags(connection, cursor.fetchall()), known, int(number))


def without_counting(connection: Connection, wanted: ExecutionFilter, limit: int, before: int | None) -> ExecutionPage:
    """The same where counting would cost too much: the planner's estimate in place of the count, which is no less
    than what the page holds; and where that is all there is, its number."""
    page = list_executions(connection, wanted, limit=limit, before=before)
    if before is None and len(page) < limit:
        count = Count(len(page), estimated=False)
    else:
        count = Count(max(estimate(connection, wanted), len(page)), estimated=True)
    return ExecutionPage(page, count, count_running(connection, project_id=wanted.visible_project))
