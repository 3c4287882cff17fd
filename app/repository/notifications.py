"""Hints from PostgreSQL that something is to do. A hint may be lost; polling is the guarantee."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg

from app.repository.connection import Connection, connect, session_options

NEW_CHANNEL = "executions_new"
STOP_CHANNEL = "executions_stop"
ANSWER_CHANNEL = "executions_answer"
PACKAGES_CHANNEL = "node_packages"
QUESTIONS_CHANNEL = "credential_tests"  # its first kind of question, and the name that workers of older versions know
HOOKS_CHANNEL = "trigger_hooks"
TRIGGERS_CHANNEL = "triggers"

NOTIFY = "SELECT pg_notify(%(channel)s, %(payload)s)"
LISTEN_NEW = "LISTEN executions_new"
LISTEN_STOP = "LISTEN executions_stop"
LISTEN_ANSWER = "LISTEN executions_answer"
LISTEN_PACKAGES = "LISTEN node_packages"
LISTEN_QUESTIONS = "LISTEN credential_tests"
LISTEN_HOOKS = "LISTEN trigger_hooks"
LISTEN_TRIGGERS = "LISTEN triggers"

# One that is gone will not answer any more either.
ANSWERED = """
    SELECT w.id
      FROM unnest(%(ids)s::bigint[]) AS w (id)
     WHERE EXISTS (SELECT FROM webhook_answers AS a WHERE a.execution_id = w.id)
        OR NOT EXISTS (SELECT FROM executions AS e WHERE e.id = w.id AND e.status IN ('new', 'running', 'waiting'))
"""


@dataclass(frozen=True, slots=True)
class Hint:
    """What has come over which channel: `stopped` is the execution that a worker is to abort, on STOP_CHANNEL alone."""

    channel: str
    stopped: int | None = None


def announce_new(connection: Connection) -> None:
    """Wake the workers: something is queued, or due."""
    connection.execute(NOTIFY, {"channel": NEW_CHANNEL, "payload": ""})


def announce_hooks(connection: Connection) -> None:
    """Tell the workers that something is to be arranged with a provider."""
    connection.execute(NOTIFY, {"channel": HOOKS_CHANNEL, "payload": ""})


def announce_triggers(connection: Connection) -> None:
    """Tell the workers that a trigger is to look, or that others are to be listened for, or by others."""
    connection.execute(NOTIFY, {"channel": TRIGGERS_CHANNEL, "payload": ""})


def announce_packages(connection: Connection) -> None:
    """Tell the workers that something is wished of the node packages."""
    connection.execute(NOTIFY, {"channel": PACKAGES_CHANNEL, "payload": ""})


def announce_questions(connection: Connection) -> None:
    """Tell the workers that somebody asks what their packages can answer."""
    connection.execute(NOTIFY, {"channel": QUESTIONS_CHANNEL, "payload": ""})


def announce_stop(connection: Connection, execution_id: int) -> None:
    """Tell the worker that holds this execution to abort it."""
    connection.execute(NOTIFY, {"channel": STOP_CHANNEL, "payload": str(execution_id)})


def announce_answer(connection: Connection, execution_id: int) -> None:
    """Tell whoever waits for this execution that it has ended, or that its webhook's answer is there."""
    connection.execute(NOTIFY, {"channel": ANSWER_CHANNEL, "payload": str(execution_id)})


async def listen(database_url: str) -> AsyncIterator[Hint]:
    """Yield hints as they come, on a connection of its own. Raises psycopg.OperationalError when it breaks."""
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True, **session_options(database_url))
    async with connection:
        await connection.execute(LISTEN_NEW)
        await connection.execute(LISTEN_STOP)
        await connection.execute(LISTEN_PACKAGES)
        await connection.execute(LISTEN_QUESTIONS)
        await connection.execute(LISTEN_HOOKS)
        await connection.execute(LISTEN_TRIGGERS)
        yield Hint(NEW_CHANNEL)  # what was queued before this moment was not announced to us
        async for notify in connection.notifies():
            yield Hint(notify.channel, int(notify.payload) if notify.channel == STOP_CHANNEL else None)


def listen_for_answers(
    database_url: str, awaited: Callable[[], Sequence[int] | None], *, poll_seconds: float
) -> Iterator[int]:
    """Yield ids of executions that somebody waits for when they are answered.

    As a notification may be lost, it looks for all that are `awaited` every `poll_seconds`, in one query, and
    ends when that gives None. An id may come more than once. Uses a connection of its own. Raises
    psycopg.OperationalError when it breaks.
    """
    with connect(database_url, autocommit=True) as connection:
        connection.execute(LISTEN_ANSWER)
        while (ids := awaited()) is not None:
            if ids:
                for (execution_id,) in connection.execute(ANSWERED, {"ids": list(ids)}).fetchall():
                    yield execution_id
            for notify in connection.notifies(timeout=poll_seconds):
                yield int(notify.payload)
