"""Start to finish: what workers and the API get through, and how that changes while the table grows."""

import sys
import time
from pathlib import Path

import orjson

from app.processes import Child
from app.repository import lifecycle, workflows
from app.repository.connection import Connection, connect
from app.repository.lifecycle import StartInput
from tests import live
from tests.bench.fill import fill
from tests.bench.load import Target, drive
from tests.bench.report import Report, Table
from tests.workflows import no_op, set_field, stored

RUNS = 4_000
THREE_NODES = stored(set_field("greeting", "=Hello {{ $json.name }}, {{ 1 + 1 }}"), no_op())
QUEUE_ONE = orjson.dumps({"input": [{"name": "Ada"}], "wait": 0})


def report_growth(report: Report, home: Path, database_url: str, rows: int) -> Table:
    """All rates at each size, from the empty table to `rows` executions."""
    columns = {"1 worker": ",.0f", "2 workers": ",.0f", "queued by the API": ",.0f"}
    with (
        connect(database_url, autocommit=True) as connection,
        report.table("executions/s of 3 nodes, by size of the table", **columns) as table,
    ):
        workflows.create_workflow(connection, "bench", project_id="default", name="bench", definition=THREE_NODES)
        there = 0
        for size in sizes(rows):
            fill(connection, size - there)
            print(f"Measuring at {size:,} executions", flush=True)
            there = size
            one, two = (throughput(home, connection, number) for number in (1, 2))
            table.add(f"{size:,}", one, two, inserts(home, connection))
            connection.execute("DELETE FROM executions WHERE workflow_id = 'bench'")  # times rise as ids do
    return table


def sizes(rows: int) -> list[int]:
    """Nothing, then tenfold from ten thousand, and at last all."""
    return [0, *(10**power for power in range(4, 12) if 10**power < rows), rows]


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
                version.target,
                StartInput(items=b'[{"json":{"name":"Ada"}}]'),
                mode="manual",
            )
    return last


def await_end(connection: Connection, last: int) -> None:
    """Wait until nothing up to this id is in flight; a failed run ends the benchmark."""
    left = "SELECT count(*) FROM executions WHERE id <= %s AND status IN ('new', 'running')"
    while connection.execute(left, [last]).fetchone() != (0,):
        time.sleep(0.02)
    failed = "SELECT error_message FROM executions WHERE workflow_id = 'bench' AND status = 'error' LIMIT 1"
    if row := connection.execute(failed).fetchone():
        sys.exit(f"a run failed: {row[0]}")


def inserts(home: Path, connection: Connection) -> float:
    """Executions a second that the API queues for clients who do not wait; nothing runs them."""
    server = live.start_server(connection.info.dsn, home, EXECUTIONS_HTTP_WORKERS=2)
    try:
        load = drive(Target(f"{server.url}/api/v1/workflows/bench/run", server.key, QUEUE_ONE), seconds=3)
        everything = {"filter": {"workflowId": "all", "status": ["queued"]}}
        if server.post("/api/v1/executions/stopMany", everything).status != 200:
            sys.exit("what was queued cannot be stopped")
        return load.per_second
    finally:
        server.child.stop()


def stop_all(children: list[Child]) -> None:
    for child in children:
        child.stop()
