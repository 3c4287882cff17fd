"""A page with its counts: right, in few round trips, and bearable when counting is not."""

import psycopg
import pytest
from psycopg._pipeline_base import BasePipeline
from psycopg_pool import ConnectionPool

from app.repository import connection as connection_module
from app.repository import execution_counts
from app.repository.connection import Connection, reading, transaction
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_pages import read_page
from tests.patience import wait_until
from tests.repository.given import a_new_execution, a_running_execution, a_worker, a_workflow, an_ended_execution

pytestmark = pytest.mark.own_database


@pytest.fixture
def pool(database_url):
    with connection_module.open_pool(database_url, size=2, name="test") as pool:
        yield pool


@pytest.fixture
def some(connection) -> list[int]:
    a_workflow(connection)
    worker_id = a_worker(connection)
    ended = [an_ended_execution(connection, worker_id, status) for status in ("error", "success") * 3]
    return [*ended, a_running_execution(connection, worker_id), a_new_execution(connection)]


def test_a_page_and_its_counts(pool: ConnectionPool[Connection], some) -> None:
    with reading(pool) as connection:
        page = read_page(connection, ExecutionFilter(statuses=("error",)), limit=2, before=some[4])
    assert [e.id for e in page.executions] == [some[2], some[0]]
    assert (page.count.value, page.count.estimated, page.running) == (3, False, 1)


@pytest.mark.parametrize("known", [None, execution_counts.Count(12_345, estimated=True)])
def test_a_page_its_counts_and_what_is_asked_beside_are_one_round_trip(pool, some, known, monkeypatch) -> None:
    trips, sync = [], BasePipeline._enqueue_sync
    monkeypatch.setattr(BasePipeline, "_enqueue_sync", lambda self: (trips.append(1), sync(self)))
    with reading(pool) as connection:
        more = connection.cursor()
        page = read_page(connection, ExecutionFilter(), limit=3, known=known, beside=lambda _: more.execute("SELECT 7"))
    assert (len(page.executions), page.running, more.fetchone(), len(trips)) == (3, 1, (7,), 1)


def test_a_known_count_is_not_counted_again(pool, some) -> None:
    known = execution_counts.Count(12_345, estimated=True)
    with reading(pool) as connection:
        assert read_page(connection, ExecutionFilter(), limit=100, known=known).count is known


def test_an_exact_count_holds_while_nothing_changes(pool, connection, some) -> None:
    """On the whole server: what other tests do beside this one changes it, too, but not all of the time."""
    with reading(pool) as reader:

        def count(known: execution_counts.Count | None = None) -> execution_counts.Count:
            return read_page(reader, ExecutionFilter(), limit=1, known=known).count

        def held() -> bool:
            first = count()
            assert (first.value, first.estimated) == (8, False)
            return count(first) is first

        wait_until(held)
        first = count()
        a_new_execution(connection)
        again = count(first)
        assert (again.value, again.estimated) == (9, False)


def test_a_count_that_costs_too_much_is_estimated(pool, some, monkeypatch) -> None:
    """With a budget of nothing the list still comes, with an estimate beside it."""
    slow = execution_counts.sql.SQL("SELECT 1, 'x' FROM (SELECT pg_sleep(1) WHERE {condition} LIMIT {limit}) AS s")
    monkeypatch.setattr("app.repository.execution_counts.COUNT", slow)
    with reading(pool) as connection:
        monkeypatch.setattr("app.repository.execution_pages.estimate", lambda *asked: 1)
        page = read_page(connection, ExecutionFilter(), limit=5)
        assert (len(page.executions), page.running) == (5, 1)
        assert (page.count.value, page.count.estimated) == (5, True), "no less than what is shown"
        whole = read_page(connection, ExecutionFilter(), limit=9).count
        assert (whole.value, whole.estimated) == (8, False), "all there is stands on one page"


def test_a_connection_that_the_server_closed_is_not_handed_out(pool, connect, some) -> None:
    with reading(pool) as connection:
        pid = connection.info.backend_pid
    connect(autocommit=True).execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with transaction(pool) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert connection.info.backend_pid != pid


def test_a_connection_that_read_can_change_again(pool, some) -> None:
    with reading(pool) as connection:
        connection.execute("SELECT 1")
    with pytest.raises(psycopg.errors.DivisionByZero), transaction(pool) as connection:
        connection.execute("WITH gone AS (DELETE FROM executions RETURNING id) SELECT 1 / (count(*) - 8) FROM gone")
    with reading(pool) as connection:
        assert read_page(connection, ExecutionFilter(), limit=100).count.value == 8
