"""`make bench`: lists, reads and runs over a small and a large table; prints one table.

ROWS sets the size of the large one (1,000,000 unless given). With N8N_URL and N8N_API_KEY, webhooks are compared with
a real n8n.
"""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.embedded import EmbeddedPostgres
from app.migrations import migrate
from app.processes import Child
from app.repository import lifecycle, workflows
from app.repository.connection import Connection, connect
from tests import live
from tests.bench import engine, webhooks
from tests.bench.fill import fill
from tests.bench.load import Load, drive_in_turn
from tests.bench.table import Table
from tests.worker.graphs import chain, no_op, set_field

SMALL = 10_000
RUNS = 6_000
THREE_NODES = chain(set_field("greeting", "=Hello {{ $json.name }}, {{ 1 + 1 }}"), no_op())


@dataclass(frozen=True)
class Case:
    """One thing to ask for; `path` of the API and of the bare view that runs the same statements."""

    name: str
    path: str
    bare: str


def cases(rows: int) -> list[Case]:
    deep = rows // 2
    return [
        Case("list 100, first page", "?limit=100", "list?limit=100"),
        Case("list 100, deep page", f"?limit=100&lastId={deep}", f"list?lastId={deep}"),
        Case("list 100, status=error", "?limit=100&status=error", "list?status=error"),
        Case("list 100, workflowId", "?limit=100&workflowId=w7", "list?workflowId=w7"),
        Case("list 100, includeData", "?limit=100&includeData=true", "list?includeData=true"),
        Case("get", f"/{deep}?", f"get/{deep}?"),
    ]


def main() -> None:
    rows = int(os.environ.get("ROWS", 1_000_000))
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        postgres = EmbeddedPostgres(home)
        postgres.start()
        stack.callback(postgres.stop)
        small = prepared(postgres, "small", SMALL)
        large = prepared(postgres, "large", rows)
        lists(home, small, large, rows)
        runs(home, large)
        webhooks.report(home, large)
    engine.report()


def prepared(postgres: EmbeddedPostgres, name: str, rows: int) -> str:
    """The address of a new database that holds so many executions."""
    print(f"Filling a database with {rows:,} executions")
    with connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # a fixed name of ours
    migrate(postgres.url(name))
    with connect(postgres.url(name), autocommit=True) as connection:
        fill(connection, rows)
    return postgres.url(name)


def lists(home: Path, small: str, large: str, rows: int) -> None:
    """Each case over the large table, as a share of its bare view, and compared with the small table."""
    table = Table("over the API, 8 clients", "requests/s", "p50 ms", "p99 ms", "of bare view", f"of {SMALL:,} rows")
    with served(home, small) as few, served(home, large) as many:
        for case, few_case in zip(cases(rows), cases(SMALL), strict=True):
            slow, bare, quick = drive_in_turn(
                [
                    (f"{many.url}/api/v1/executions{case.path}", many.key),
                    (f"{many.url}/bare/{case.bare}", many.key),
                    (f"{few.url}/api/v1/executions{few_case.path}", few.key),
                ]
            )
            refuse_failures(case.name, slow, bare, quick)
            table.add(
                case.name,
                f"{slow.per_second:,.0f}",
                f"{slow.percentile(0.5):.1f}",
                f"{slow.percentile(0.99):.1f}",
                f"{slow.per_second / bare.per_second:.0%}",
                f"{slow.per_second / quick.per_second:.0%}",
            )
    table.print()


def refuse_failures(name: str, *loads: Load) -> None:
    if any(load.failures for load in loads):
        sys.exit(f"{name}: {[load.failures for load in loads]} requests failed; no figure is worth anything now")


@contextmanager
def served(home: Path, database_url: str) -> Iterator[live.LiveServer]:
    server = live.start_server(database_url, home, application="tests.bench.wsgi:app", EXECUTIONS_HTTP_WORKERS=2)
    try:
        yield server
    finally:
        server.child.stop()


def runs(home: Path, database_url: str) -> None:
    """From queued to recorded, for a workflow of three nodes."""
    table = Table("start to finish, 3 nodes", "executions/s")
    with connect(database_url, autocommit=True) as connection:
        workflows.create_workflow(connection, "bench", project_id="default", name="bench", definition=THREE_NODES)
        for number in (1, 2):
            table.add(f"{number} worker{'s' if number > 1 else ''}", f"{throughput(home, connection, number):,.0f}")
    table.print()


def throughput(home: Path, connection: Connection, workers: int) -> float:
    """Executions a second that so many workers take from the queue, run and record."""
    children = [live.start_worker(connection.info.dsn, home) for _ in range(workers)]
    try:
        await_end(connection, queue_runs(connection, 200))  # everything is loaded and compiled by then
        time.sleep(1)
        last = queue_runs(connection, RUNS)
        began = time.monotonic()
        await_end(connection, last)
        return RUNS / (time.monotonic() - began)
    finally:
        stop_all(children)


def queue_runs(connection: Connection, number: int) -> int:
    """Queue executions in one transaction; returns the last id."""
    version = workflows.get_workflow(connection, "bench")
    with connection.transaction():
        for _ in range(number):
            last = lifecycle.create_execution(
                connection,
                workflow_id=version.id,
                version_id=version.version_id,
                project_id=version.project_id,
                mode="manual",
                items=b'[{"json":{"name":"Ada"}}]',
            )
    return last


def await_end(connection: Connection, last: int) -> None:
    """Wait until nothing up to this id is in flight; a failed run ends the benchmark."""
    left = "SELECT count(*) FROM executions WHERE id <= %s AND status IN ('new', 'running')"
    while connection.execute(left, [last]).fetchone() != (0,):
        time.sleep(0.02)
    failed = "SELECT error_message FROM executions WHERE workflow_id = 'bench' AND status <> 'success' LIMIT 1"
    if row := connection.execute(failed).fetchone():
        sys.exit(f"a run failed: {row[0]}")


def stop_all(children: list[Child]) -> None:
    for child in children:
        child.stop()


if __name__ == "__main__":
    main()
