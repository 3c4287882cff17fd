"""What pruning costs those who list meanwhile, and whether the room that it makes is used again."""

import os
import time
from pathlib import Path

from app.repository.connection import Connection, connect
from tests import live
from tests.bench.fill import fill
from tests.bench.load import CLIENTS, Load, Target, drive
from tests.bench.report import Report

MAX_PRUNED = 1_000_000
OLDEST = "SELECT id FROM executions WHERE vote IS NULL AND NOT tagged ORDER BY id LIMIT 1"
LAST_TO_GO = "SELECT id FROM executions WHERE id >= %s ORDER BY id OFFSET %s LIMIT 1"
NUMBER = "SELECT count(*) FROM executions WHERE %s < id AND id <= %s"
SIZE = "SELECT sum(pg_total_relation_size(t)) / 2.0^20 FROM unnest(%s::regclass[]) AS t"
TABLES = ["executions", "execution_data"]
SECONDS_AT_MOST = 45.0


def report_pruning(report: Report, home: Path, database_url: str, rows: int) -> None:
    """Prune a tenth of the table (1,000,000 at most, for PRUNE_SECONDS at most) under lists, then fill it up again."""
    server = live.start_server(database_url, home, EXECUTIONS_HTTP_WORKERS=2)
    lists = Target(f"{server.url}/api/v1/executions?limit=100", server.key)
    with connect(database_url, autocommit=True) as connection:
        try:
            connection.execute("CHECKPOINT")
            size = megabytes(connection)
            heading = f"list 100, {CLIENTS} clients"
            with report.table(heading, **{"requests/s": ",.0f", "p50 ms": ".1f", "p99 ms": ".1f"}) as table:
                before = drive(lists, seconds=8)
                table.add("before", *before.figures)
                load, pruned, seconds = listed_while_pruning(home, connection, lists, min(MAX_PRUNED, rows // 10))
                table.add(f"while {pruned:,} are pruned ({pruned / seconds:,.0f}/s)", *load.figures)
            print(
                f"p99 while pruning: {load.percentile(0.99) / before.percentile(0.99):.2f} times (at most 1.5 wanted)"
            )
        finally:
            server.child.stop()
        with report.table("executions and their data on disk", **{"MiB": ",.0f", "of before": ".0%"}) as table:
            table.add("before pruning", size, 1.0)
            connection.execute("VACUUM (ANALYZE) executions, execution_data")
            table.add("after it, vacuumed", megabytes(connection), megabytes(connection) / size)
            fill(connection, pruned)
            table.add("as many executions later", megabytes(connection), megabytes(connection) / size)


def listed_while_pruning(home: Path, connection: Connection, lists: Target, wanted: int) -> tuple[Load, int, float]:
    """What clients saw while executions were deleted, how many those were, and how many seconds it took."""
    oldest = number(connection, OLDEST)
    last = number(connection, LAST_TO_GO, oldest, wanted - 1)
    kept = number(connection, NUMBER, last, 2**63 - 1)
    worker = live.start_worker(connection.info.dsn, home, EXECUTIONS_PRUNE_KEEP=kept)
    whole, began = Load(), time.monotonic()
    until = began + float(os.environ.get("PRUNE_SECONDS", SECONDS_AT_MOST))
    try:
        while number(connection, OLDEST) <= last and time.monotonic() < until:
            part = drive(lists, seconds=1, warm_up=0.1)
            whole.latencies += part.latencies
            whole.elapsed += part.elapsed
        seconds = time.monotonic() - began
    finally:
        worker.stop()
    return whole, wanted - number(connection, NUMBER, 0, last), seconds


def number(connection: Connection, statement: str, *values: int) -> int:
    [found] = connection.execute(statement, values).fetchone() or (0,)
    return int(found)


def megabytes(connection: Connection) -> float:
    """What the tables take with their indexes and what is stored beside them."""
    [size] = connection.execute(SIZE, [TABLES]).fetchone() or (0,)
    return float(size)
