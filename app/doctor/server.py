"""PostgreSQL and the ways to it: its settings, the pooler, the replica, and what does harm the longer it stays."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from app.doctor.finding import Finding
from app.migrations import OLDEST_SUPPORTED
from app.repository.connection import Connection, connect, open_pool, reading
from app.repository.diagnosis import (
    describe_server,
    identify_database,
    idle_slots,
    invalid_indexes,
    long_transactions,
    measure_bloat,
    never_vacuumed,
)
from app.repository.replication import NOBODY, has_replayed, primary_position
from app.repository.webhook_addresses import shared_addresses
from app.settings import Settings

CLOCK_SECONDS = 2.0
MANY_DEAD_ROWS = 100_000
LONG_TRANSACTION_SECONDS = 300.0
WORKER_CONNECTIONS = 9
"""What a worker works with, one for its beat, and one that listens."""


def examine_server(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Version, clock, durability and connections."""
    server = describe_server(connection)
    old = server.version < OLDEST_SUPPORTED
    yield Finding("PostgreSQL", server.version_text, "upgrade to 15 or newer" if old else None)
    if server.read_only:
        advice = "set DATABASE_URL to the primary's address, and DATABASE_REPLICA_URL to that of the replica"
        yield Finding("writing", "this database is read-only", advice)
    drift = abs((datetime.now(UTC) - server.now).total_seconds())
    off = (
        "synchronise this machine's clock: logs, $now in workflows and the expiry of tokens depend on it"
        if drift > CLOCK_SECONDS
        else None
    )
    yield Finding("clock", f"{drift:.1f} s apart from PostgreSQL's", off)
    yield Finding(
        "durability",
        f"fsync {'on' if server.fsync else 'off'}",
        None if server.fsync else "turn fsync on: a power cut loses what was acknowledged",
    )
    yield Finding(
        "autovacuum",
        "on" if server.autovacuum else "off",
        None if server.autovacuum else "turn it on: tables grow and plans go stale without it",
    )
    needed = settings.http_workers * (settings.pool_size + 1) + WORKER_CONNECTIONS
    free = server.max_connections - server.connections
    yield Finding(
        "connections",
        f"{server.connections} of {server.max_connections} in use; one API and one worker need up to {needed}",
        "raise max_connections, or lower EXECUTIONS_POOL_SIZE or EXECUTIONS_HTTP_WORKERS" if free < needed else None,
    )


def examine_pooler(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """The way through the pooler, where there is one: it leads to the database that `connection` is with."""
    if not settings.through_pooler:
        return
    try:
        with (
            open_pool(settings.database_url, size=1, name="doctor", through_pooler=True) as pool,
            reading(pool) as pooled,
        ):
            same = identify_database(pooled) == identify_database(connection)
        yield Finding(
            "pooler",
            "connects to PostgreSQL" if same else "DATABASE_URL leads to another database than DATABASE_DIRECT_URL",
            None if same else "let both lead to one: what migrates and listens goes by DATABASE_DIRECT_URL",
        )
    except psycopg.OperationalError as error:
        yield Finding("pooler", str(error).strip(), "check DATABASE_URL and that the pooler runs")


def examine_replica(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Whether the replica, where there is one, comes to where its primary is now."""
    if settings.database_replica_url is None:
        return
    wanted = primary_position(connection, NOBODY, seconds=0.0).reached
    began = time.monotonic()
    try:
        with connect(settings.database_replica_url, autocommit=True) as replica:
            while not (there := has_replayed(replica, wanted)):
                if time.monotonic() - began > settings.database_replica_lag_seconds:
                    break
                time.sleep(0.05)
    except psycopg.OperationalError as error:
        yield Finding(
            "replica",
            str(error).strip(),
            "check DATABASE_REPLICA_URL; until it can be reached, all reads go to the primary",
        )
        return
    seconds = time.monotonic() - began
    yield Finding(
        "replica",
        f"{'caught up' if there else 'has not caught up'} within {seconds:.1f} s",
        None if there else "check that it is a replica of this primary and that replication runs",
    )


def examine_bloat(connection: Connection) -> Iterator[Finding]:
    """Dead rows that vacuum should have taken."""
    for table in measure_bloat(connection):
        bloated = table.dead > max(MANY_DEAD_ROWS, table.live)
        yield Finding(
            f"table {table.table_name}",
            f"{table.live:,} rows, {table.dead:,} dead",
            f"run VACUUM {table.table_name}, and look for transactions that stay open" if bloated else None,
        )


def examine_what_stays(connection: Connection) -> Iterator[Finding]:
    """What is open, half done or switched off, and does harm the longer it stays so."""
    for open_one in long_transactions(connection, seconds=LONG_TRANSACTION_SECONDS):
        yield Finding(
            "long transaction",
            f"{open_one.program or 'unnamed'} (process {open_one.pid}, {open_one.state}) for {open_one.seconds:.0f} s",
            f"end it: SELECT pg_terminate_backend({open_one.pid}); until then dead rows stay and migrations wait",
        )
    for path, one, other in shared_addresses(connection, limit=10):
        advice = "deactivate the workflow that gets the other one's calls; this version would not activate both"
        yield Finding("webhook", f"{path} is claimed by two projects, in workflows {one} and {other}", advice)
    for index in invalid_indexes(connection):
        yield Finding("index", f"{index} is not valid", f"run REINDEX INDEX CONCURRENTLY {index}")
    for table in never_vacuumed(connection):
        advice = f"run ALTER TABLE {table} RESET (autovacuum_enabled)"
        yield Finding("autovacuum", f"off for table {table}", advice)
    for slot in idle_slots(connection):
        advice = f"start its replica, or SELECT pg_drop_replication_slot('{slot}'): PostgreSQL keeps its log for it"
        yield Finding("replication slot", f"{slot} is not in use", advice)
