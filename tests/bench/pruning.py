"""What pruning costs those who list meanwhile, and whether the room that it makes is used again."""

import sys
import time
from pathlib import Path

from app.repository.connection import Connection, connect
from tests import live
from tests.bench.fill import fill
from tests.bench.load import CLIENTS, Load, Target, drive
from tests.bench.report import Report

MOST = 1_000_000
LEFT = "SELECT count(*) FROM (SELECT 1 FROM executions WHERE id <= %s LIMIT 1) AS old"
SIZE = "SELECT sum(pg_total_relation_size(t)) / 2.0^20 FROM unnest(%s::regclass[]) AS t"
TABLES = ["executions", "execution_data"]
SECONDS_AT_MOST = 900


def report_pruning(report: Report, home: Path, database_url: str, rows: int) -> None:
    """Prune a tenth of the table (1,000,000 at most) under lists, then fill it up again."""
    pruned = min(MOST, rows // 10)
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
                load, seconds = listed_while_pruning(home, connection, lists, pruned)
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


def listed_while_pruning(home: Path, connection: Connection, lists: Target, pruned: int) -> tuple[Load, float]:
    """What clients saw from the first deletion to the last, and how many seconds those took."""
    [oldest] = connection.execute("SELECT min(id) FROM executions").fetchone() or (0,)
    [last] = connection.execute(
        "SELECT id FROM executions WHERE id >= %s ORDER BY id OFFSET %s LIMIT 1", [oldest, pruned - 1]
    ).fetchone() or (0,)
    [kept] = connection.execute("SELECT count(*) FROM executions WHERE id > %s", [last]).fetchone() or (0,)
    worker = live.start_worker(connection.info.dsn, home, EXECUTIONS_PRUNE_KEEP=kept)
    whole, began = Load(), time.monotonic()
    try:
        while connection.execute(LEFT, [last]).fetchone() != (0,):
            if time.monotonic() - began > SECONDS_AT_MOST:
                sys.exit(f"{pruned:,} executions are not pruned within {SECONDS_AT_MOST} s")
            part = drive(lists, seconds=1, warm_up=0.1)
            whole.latencies += part.latencies
            whole.elapsed += part.elapsed
        return whole, time.monotonic() - began
    finally:
        worker.stop()


def megabytes(connection: Connection) -> float:
    """What the tables take with their indexes and what is stored beside them."""
    [size] = connection.execute(SIZE, [TABLES]).fetchone() or (0,)
    return float(size)
