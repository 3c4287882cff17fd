"""What one execution costs PostgreSQL in bytes: on disk, in the log, and when it goes. docs/scaling.md reckons with it.

`ROWS=300000 .venv/bin/python -m tests.bench.sizes` prints it.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from app.embedded import EmbeddedPostgres
from app.repository import lifecycle, workers, workflows
from app.repository.connection import Connection, connect
from app.repository.lifecycle import Result
from tests.bench.__main__ import prepared
from tests.bench.fill import fill, run_data
from tests.bench.report import Report

LIVES, BATCH = 10_000, 20
GONE = 50_000

SIZES = """
    SELECT c.relname, pg_relation_size(c.oid)::float8
      FROM pg_class AS c
      LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
     WHERE 'executions'::regclass IN (c.oid, i.indrelid) OR 'execution_data'::regclass IN (c.oid, i.indrelid)
        OR c.oid = (SELECT d.reltoastrelid FROM pg_class AS d WHERE d.oid = 'execution_data'::regclass)
     ORDER BY 2 DESC
"""
POSITION = "SELECT pg_current_wal_insert_lsn() - '0/0'"
COUNTED = """
    SELECT sum(n_tup_upd)::float8, sum(n_tup_hot_upd)::float8, (SELECT pg_current_xact_id()::text::bigint)
      FROM pg_stat_user_tables WHERE relname = 'executions'
"""
PARTITIONED = "CREATE TABLE data_by_id (LIKE execution_data INCLUDING ALL) PARTITION BY RANGE (execution_id)"
PARTITION = "CREATE TABLE data_oldest PARTITION OF data_by_id FOR VALUES FROM (0) TO ({})"
COPY = """
    INSERT INTO data_by_id (execution_id, encoded, encoding)
    SELECT d.execution_id, d.encoded, d.encoding FROM execution_data AS d WHERE d.execution_id < {}
"""


def main() -> None:
    rows = int(os.environ.get("ROWS", 300_000))
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder))
        postgres.start()
        try:
            with connect(prepared(postgres, "sizes"), autocommit=True) as connection:
                fill(connection, rows)
                report = Report(rows=rows)
                print(*(f"{name}: {value}" for name, value in report.about.items()), sep="\n")
                report_sizes(report, connection, rows)
                report_lives(report, connection)
                report_going(report, connection)
        finally:
            postgres.stop()


def report_sizes(report: Report, connection: Connection, rows: int) -> None:
    """Bytes on disk of one execution, table by table and index by index, the data compressed from `plain` bytes."""
    plain = len(orjson.dumps(run_data(random.Random(0))))
    found = connection.execute(SIZES).fetchall()
    with report.table(f"on disk, {plain:,} bytes of run data", **{"bytes": ",.1f"}) as table:
        for name, size in found:
            table.add(name, size / rows)
        table.add("together", whole(connection) / rows)


def report_lives(report: Report, connection: Connection) -> None:
    """What an execution writes from its start to its end: created alone, claimed and ended in batches."""
    data = [orjson.dumps(run_data(random.Random(n))) for n in range(100)]
    workflow = workflows.get_workflow(connection, "w1")
    worker_id = workers.register(connection, hostname="bench", pid=1, concurrency=BATCH)
    [(updates, hot, xid)], began, size = connection.execute(COUNTED).fetchall(), position(connection), whole(connection)
    for _ in range(LIVES // BATCH):
        for _ in range(BATCH):
            with connection.transaction():
                lifecycle.create_execution(
                    connection,
                    workflow.target,
                    mode="trigger",
                )
        with connection.transaction():
            claims = lifecycle.claim(connection, worker_id, BATCH)
        with connection.transaction():
            results = [Result(c.id, "success", c.mode, data[c.id % len(data)]) for c in claims]
            lifecycle.finish(connection, worker_id, results)
    written = position(connection) - began
    connection.execute("SELECT pg_stat_force_next_flush()")
    [(updates_after, hot_after, xid_after)] = connection.execute(COUNTED).fetchall()
    grown = whole(connection) - size
    with report.table("an execution from start to end", **{"each": ",.2f"}) as table:
        table.add("bytes of WAL", written / LIVES)
        table.add("bytes that tables and indexes grow by", grown / LIVES)
        table.add("transaction ids", (xid_after - xid) / LIVES)
        table.add("updates of its row", (updates_after - updates) / LIVES)
        table.add("of them without a touch of an index (HOT)", (hot_after - hot) / LIVES)


def report_going(report: Report, connection: Connection) -> None:
    """Deleting the oldest executions against dropping a partition that holds as many."""
    [(first,)] = connection.execute("SELECT min(id) FROM executions").fetchall()
    limit = first + GONE
    connection.execute(PARTITIONED)
    connection.execute(PARTITION.format(limit))
    connection.execute(COPY.format(limit))
    connection.execute("CHECKPOINT")
    with report.table(f"{GONE:,} executions go", **{"seconds": ".3f", "WAL bytes each": ",.1f"}) as table:
        for name, statement in (
            ("DELETE of executions, the data with them", f"DELETE FROM executions WHERE id < {limit}"),
            ("VACUUM executions", "VACUUM executions"),
            ("VACUUM execution_data", "VACUUM execution_data"),
            ("DROP TABLE of a partition of their data", "DROP TABLE data_oldest"),
        ):
            seconds, written = timed(connection, lambda text=statement: connection.execute(text))
            table.add(name, seconds, written / GONE)


def whole(connection: Connection) -> float:
    """Bytes on disk of all executions and their data."""
    return float(sum(size for _, size in connection.execute(SIZES)))


def timed(connection: Connection, work: Callable[[], object]) -> tuple[float, float]:
    began, at = time.monotonic(), position(connection)
    work()
    return time.monotonic() - began, position(connection) - at


def position(connection: Connection) -> float:
    [(value,)] = connection.execute(POSITION).fetchall()
    return float(value)


if __name__ == "__main__":
    main()
