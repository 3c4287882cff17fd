"""Looks a deployment over and says, for each thing that is not as it should be, what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from app.migrations import pending
from app.repository import workers
from app.repository.connection import Connection, connect
from app.repository.diagnosis import describe_server, measure_bloat
from app.repository.execution_counts import queue_state
from app.settings import Settings

OLDEST_SUPPORTED = 150_000  # PostgreSQL 15
CLOCK_SECONDS = 2.0
QUEUE_SECONDS = 60.0
MANY_DEAD_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do, None when it is well."""

    subject: str
    state: str
    advice: str | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything in turn; what a missing database or migration makes pointless is left out."""
    try:
        connection = connect(settings.direct_url, autocommit=True)
    except psycopg.OperationalError as error:
        yield Finding("database", str(error).strip(), "check DATABASE_URL and that PostgreSQL runs")
        return
    with connection:
        yield from examine_server(connection, settings)
        missing = pending(connection)
        if missing:
            yield Finding("migrations", f"missing: {', '.join(missing)}", "run `make migrate`")
            return
        yield Finding("migrations", "all applied")
        yield from examine_queue(connection, settings)
        yield from examine_bloat(connection)


def examine_server(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Version, clock, durability and connections."""
    server = describe_server(connection)
    old = server.version < OLDEST_SUPPORTED
    yield Finding("PostgreSQL", server.version_text, "upgrade to 15 or newer" if old else None)
    drift = abs((datetime.now(UTC) - server.now).total_seconds())
    off = "synchronise this machine's clock: waits at a fixed time use it" if drift > CLOCK_SECONDS else None
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
    needed = settings.http_workers * settings.pool_size + 4
    free = server.max_connections - server.connections
    yield Finding(
        "connections",
        f"{server.connections} of {server.max_connections} in use; one API and one worker need up to {needed}",
        "raise max_connections, or lower EXECUTIONS_POOL_SIZE or EXECUTIONS_HTTP_WORKERS" if free < needed else None,
    )


def examine_queue(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Workers, and whether they keep up."""
    alive, room = workers.alive(connection, lease_seconds=settings.lease_seconds)
    yield Finding(
        "workers",
        f"{alive} alive, room for {room} executions at once",
        None if alive else "start one: `flask worker`",
    )
    queue = queue_state(connection)
    late = queue.oldest_queued_seconds > QUEUE_SECONDS
    yield Finding(
        "queue",
        f"{queue.queued} queued (oldest {queue.oldest_queued_seconds:.0f} s), {queue.running} running, "
        f"{queue.waiting} waiting",
        "start more workers, or raise EXECUTIONS_CONCURRENCY" if late else None,
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
