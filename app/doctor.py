"""Looks a deployment over and says, for each thing that is not as it should be, what to do."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import gettempdir

import psycopg

from app.credentials.key_check import unreadable
from app.credentials.vault import Vault
from app.engine.sandbox.process import NODE
from app.environment import SettingsError
from app.migrations import OLDEST_SUPPORTED, pending, unknown
from app.places import INSTALL_AGAIN, build, missing_packages
from app.repository import failures, node_packages, workers
from app.repository.connection import Connection, connect, open_pool, reading
from app.repository.diagnosis import (
    describe_server,
    idle_slots,
    invalid_indexes,
    long_transactions,
    measure_bloat,
    never_vacuumed,
)
from app.repository.execution_counts import queue_state
from app.repository.replication import NOBODY, has_replayed, primary_position
from app.repository.webhook_addresses import shared_addresses
from app.settings import Settings
from app.telemetry.wanted import check_traces

CLOCK_SECONDS = 2.0
QUEUE_SECONDS = 60.0
MANY_DEAD_ROWS = 100_000
LONG_TRANSACTION_SECONDS = 300.0
NOTICE_SECONDS = 600.0
FREE_DISK_BYTES = 2**30
NODE_SECONDS = 30.0
LISTED = 10
"""Of many alike so many are named."""
WORKER_CONNECTIONS = 7
"""What a worker works with, one for its beat, and one that listens."""


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
        advice = "check DATABASE_URL and that PostgreSQL runs"
        if "unsupported startup parameter" in str(error):
            advice = "this is PgBouncer: set DATABASE_DIRECT_URL to the address of PostgreSQL itself"
        elif "failed to resolve host" in str(error):
            advice = "check the host; @ : / in a password are percent-encoded in DATABASE_URL (%40 %3A %2F)"
        yield Finding("database", str(error).strip(), advice)
        yield from examine_host(settings)
        return
    with connection:
        yield from examine_server(connection, settings)
        missing = pending(connection)
        if missing:
            yield Finding("migrations", f"missing: {shorten(missing)}", "run `flask migrate`")
            yield from examine_host(settings)
            return
        newer = unknown(connection)
        yield Finding(
            "migrations",
            f"newer than this program: {shorten(newer)}" if newer else "all applied",
            "replace this program by the version that made them" if newer else None,
        )
        yield from examine_pooler(settings)
        yield from examine_replica(connection, settings)
        yield from examine_encryption(connection, settings)
        yield from examine_queue(connection, settings)
        yield from examine_packages(connection, settings)
        yield from examine_notices(connection, settings)
        yield from examine_bloat(connection)
        yield from examine_what_stays(connection)
    yield from examine_host(settings)


def examine_host(settings: Settings) -> Iterator[Finding]:
    """What has nothing to do with the database."""
    yield from examine_node()
    yield from examine_traces(settings)
    yield from examine_disk(settings)


def examine_node() -> Iterator[Finding]:
    """The Node.js that workers run JavaScript in, and the packages that this program has of npm."""
    try:
        ran = subprocess.run([NODE, "--version"], capture_output=True, text=True, timeout=NODE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding("Node.js", str(error), INSTALL_AGAIN)
        return
    yield Finding("Node.js", ran.stdout.strip())
    if missing := missing_packages():
        yield Finding("JavaScript packages", f"missing: {', '.join(missing)}", INSTALL_AGAIN)


def examine_traces(settings: Settings) -> Iterator[Finding]:
    """Whether API and workers could send the traces that are asked for."""
    if not settings.traces:
        return
    try:
        check_traces(os.environ)
    except SettingsError as error:
        yield Finding("traces", str(error), "neither the API nor workers start like this")
    else:
        yield Finding("traces", "API and workers send them")


def examine_server(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Version, clock, durability and connections."""
    server = describe_server(connection)
    old = server.version < OLDEST_SUPPORTED
    yield Finding("PostgreSQL", server.version_text, "upgrade to 15 or newer" if old else None)
    if server.read_only:
        advice = "let DATABASE_URL lead to the primary; a replica goes into DATABASE_REPLICA_URL"
        yield Finding("writing", "this database takes no changes", advice)
    drift = abs((datetime.now(UTC) - server.now).total_seconds())
    off = (
        "synchronise this machine's clock: logs, $now in workflows and the expiry of tokens go by it"
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


def shorten(names: Sequence[str]) -> str:
    """These names, or how many there are from which to which."""
    return ", ".join(names) if len(names) <= LISTED else f"{len(names)} from {names[0]} to {names[-1]}"


def examine_pooler(settings: Settings) -> Iterator[Finding]:
    """The way through the pooler, where there is one."""
    if not settings.through_pooler:
        return
    try:
        with open_pool(settings.database_url, size=1, name="doctor", through_pooler=True) as pool, reading(pool):
            yield Finding("pooler", "lets through")
    except psycopg.OperationalError as error:
        yield Finding("pooler", str(error).strip(), "check DATABASE_URL, and that the pooler runs")


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
        yield Finding("replica", str(error).strip(), "check DATABASE_REPLICA_URL; until then the primary answers alone")
        return
    seconds = time.monotonic() - began
    yield Finding(
        "replica",
        f"{'had all after' if there else 'lacks something still after'} {seconds:.1f} s",
        None if there else "see that it is a replica of this primary and receives what that writes",
    )


def examine_encryption(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Whether this host's key opens what is stored; one credential of each key is tried."""
    advice = (
        "set EXECUTIONS_ENCRYPTION_KEY to the key of the other hosts (or put back the file encryption-key in "
        "EXECUTIONS_HOME); while it is being changed, name the earlier one in EXECUTIONS_ENCRYPTION_KEY_OLD"
    )
    vault = Vault(settings)
    try:
        if vault.keyring.is_there():
            vault.keyring.accepted_keys()
        wrong = unreadable(connection, vault)
        state = "opens the credentials that were tried" if vault.keyring.is_there() else "made at first use"
    except OSError as error:
        yield Finding("encryption key", str(error), "let this user read EXECUTIONS_HOME/encryption-key, or put it back")
        return
    if wrong:
        state = f"this host cannot decrypt {', '.join(wrong[:10])}"
    yield Finding("encryption key", state, advice if wrong else None)


def examine_queue(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Workers, and whether they keep up."""
    capacity = workers.read_capacity(connection, lease_seconds=settings.lease_seconds)
    yield Finding(
        "workers",
        f"{capacity.workers} alive, room for {capacity.slots} executions at once",
        None if capacity.workers else "start one: `flask worker`",
    )
    own = build()
    for other in workers.list_others(connection, own, lease_seconds=settings.lease_seconds, limit=LISTED):
        yield Finding(
            "program of workers",
            f"process {other.pid} on {other.hostname} is {other.program or 'an earlier version'}, and this is {own}",
            "end the upgrade: bring that host to this version, and start its worker anew",
        )
    queue = queue_state(connection)
    late = queue.oldest_queued_seconds > QUEUE_SECONDS
    yield Finding(
        "queue",
        f"{queue.queued} queued (oldest {queue.oldest_queued_seconds:.0f} s), {queue.running} running, "
        f"{queue.waiting} waiting",
        "start more workers, or raise EXECUTIONS_CONCURRENCY" if late else None,
    )


def examine_packages(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Node packages that workers lack."""
    listed = node_packages.list_packages(connection)
    if listed:
        yield Finding("packages", ", ".join(f"{each.name}@{each.version}" for each in listed))
    for error in node_packages.list_errors(connection, lease_seconds=settings.lease_seconds):
        advice = "workers that lack it leave its executions to others; they try again every minute"
        yield Finding(f"package {error.package}", f"the worker on {error.hostname} lacks it: {error.message}", advice)


def examine_notices(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Notices of failures that do not get through."""
    backlog = failures.read_backlog(connection)
    advice = None
    if backlog.number and backlog.oldest_seconds > NOTICE_SECONDS:
        advice = "look whether EXECUTIONS_FAILURE_WEBHOOK answers with 2xx; the workers' logs tell what it says"
        if settings.failure_webhook is None:
            advice = "start a worker with EXECUTIONS_FAILURE_WEBHOOK: nobody sends them"
    yield Finding("failure notices", f"{backlog.number} to be sent (oldest {backlog.oldest_seconds:.0f} s)", advice)


def examine_what_stays(connection: Connection) -> Iterator[Finding]:
    """What is open, half done or switched off, and does harm the longer it stays so."""
    for open_one in long_transactions(connection, seconds=LONG_TRANSACTION_SECONDS):
        yield Finding(
            "long transaction",
            f"{open_one.program or 'unnamed'} (process {open_one.pid}, {open_one.state}) for {open_one.seconds:.0f} s",
            f"end it: SELECT pg_terminate_backend({open_one.pid}); dead rows stay and migrations wait for it",
        )
    for path, one, other in shared_addresses(connection, limit=10):
        advice = "deactivate the one that takes the other's calls; none could be activated like this today"
        yield Finding("webhook", f"{path} is answered by two projects, in workflows {one} and {other}", advice)
    for index in invalid_indexes(connection):
        yield Finding("index", f"{index} is not valid", f"run REINDEX INDEX CONCURRENTLY {index}")
    for table in never_vacuumed(connection):
        advice = f"run ALTER TABLE {table} RESET (autovacuum_enabled)"
        yield Finding("autovacuum", f"off for table {table}", advice)
    for slot in idle_slots(connection):
        advice = f"start its replica, or SELECT pg_drop_replication_slot('{slot}'): the disk fills up for it"
        yield Finding("replication slot", f"{slot} is read by nobody", advice)


def examine_disk(settings: Settings) -> Iterator[Finding]:
    """Room on this machine; PostgreSQL does not tell of its own disk."""
    for subject, folder in (("disk of EXECUTIONS_HOME", settings.home), ("disk of temporary files", gettempdir())):
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            yield Finding(subject, f"{folder}: {error.strerror}", "make the folder, and let this user write to it")
            continue
        if not os.path.isdir(folder):
            yield Finding(subject, f"{folder} is no folder", "name one that this user may write to")
            continue
        if not os.access(folder, os.W_OK | os.X_OK):
            yield Finding(subject, f"{folder} cannot be written to", "let the user that runs this write to it")
            continue
        advice = (
            "make room: large requests, logs and the embedded database go there" if free < FREE_DISK_BYTES else None
        )
        yield Finding(subject, f"{free / 2**30:.1f} GiB free in {folder}", advice)


def examine_bloat(connection: Connection) -> Iterator[Finding]:
    """Dead rows that vacuum should have taken."""
    for table in measure_bloat(connection):
        bloated = table.dead > max(MANY_DEAD_ROWS, table.live)
        yield Finding(
            f"table {table.table_name}",
            f"{table.live:,} rows, {table.dead:,} dead",
            f"run VACUUM {table.table_name}, and look for transactions that stay open" if bloated else None,
        )
