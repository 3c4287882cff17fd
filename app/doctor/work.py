"""Whether executions can run and be told of: the encryption key, workers, the queue, packages, notices."""

from collections.abc import Iterator

from app.credentials.key_check import unreadable
from app.credentials.keys import GUESSABLE
from app.credentials.vault import Vault
from app.doctor.finding import LISTED, Finding
from app.places import build
from app.repository import credentials, damaged_data, failures, node_packages, workers
from app.repository.connection import Connection
from app.repository.execution_counts import queue_state
from app.settings import Settings

QUEUE_SECONDS = 60.0
NOTICE_SECONDS = 600.0
RUNS_EXAMINED = 200


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
        if not vault.keyring.is_there():
            state = "created at first use"
        elif credentials.one_of_each_key(connection):
            state = "decrypts the credentials that were tried"
        else:
            state = "not tried: there are no credentials yet"
    except OSError as error:
        yield Finding(
            "encryption key", str(error), "let this user read EXECUTIONS_HOME/encryption-key, or restore the file"
        )
        return
    yield from _examine_strength(vault)
    if wrong:
        state = f"this host cannot decrypt {', '.join(wrong[:10])}"
    yield Finding("encryption key", state, advice if wrong else None)


def _examine_strength(vault: Vault) -> Iterator[Finding]:
    """Whether a key could be guessed. One of earlier that is accepted still signs addresses as well as the current."""
    weak = [key.id for key in vault.keyring.accepted_keys() if key.is_guessable] if vault.keyring.is_there() else []
    if weak:
        yield Finding(
            "strength of the encryption key",
            f"the key with the id {' and the one with '.join(weak)} could be guessed, as it is {GUESSABLE}",
            'change it (docs/operate.md, "Another encryption key"), and take it out of EXECUTIONS_ENCRYPTION_KEY_OLD '
            "when no execution waits any more that has addresses signed with it",
        )


def examine_run_data(connection: Connection) -> Iterator[Finding]:
    """Whether what the newest executions have recorded can be read."""
    damaged = damaged_data.find_damaged(connection, limit=RUNS_EXAMINED)
    named = ", ".join(map(str, damaged[:LISTED])) + (", ..." if len(damaged) > LISTED else "")
    yield Finding(
        "run data",
        f"damaged: that of execution {named}"
        if damaged
        else f"that of the newest {RUNS_EXAMINED} executions is intact",
        "look at the disk and at the log of PostgreSQL; restore a backup, or delete these executions"
        if damaged
        else None,
    )


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
            "finish the upgrade: install this version on that host, and restart its worker",
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
        advice = "workers without it leave its executions to other workers, and try to install it every minute"
        yield Finding(
            f"package {error.package}", f"not installed for the worker on {error.hostname}: {error.message}", advice
        )


def examine_notices(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Notices of failures that do not get through."""
    backlog = failures.read_backlog(connection)
    advice = None
    if backlog.number and backlog.oldest_seconds > NOTICE_SECONDS:
        advice = "check that EXECUTIONS_FAILURE_WEBHOOK answers with 2xx; its answers are in the workers' logs"
        if settings.failure_webhook is None:
            advice = "set EXECUTIONS_FAILURE_WEBHOOK for a worker: none sends them now"
    yield Finding("failure notices", f"{backlog.number} to be sent (oldest {backlog.oldest_seconds:.0f} s)", advice)
