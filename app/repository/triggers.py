"""Webhooks and schedules of active workflows: who is called, and what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from app.repository import notifications, webhook_addresses
from app.repository.connection import Connection, scalar
from app.repository.targets import StartsExecutions
from app.vocabulary import Status

ADDRESSES = """
    SELECT w.method, w.path, w.webhook_id
      FROM webhooks AS w
"""


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook to register; `settings` is JSON."""

    node: str
    method: str
    path: str
    webhook_id: str | None
    pattern: str
    settings: bytes


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A rule of a schedule to register; `rule` is JSON."""

    node: str
    rule_index: int
    rule: bytes
    next_at: datetime


@dataclass(frozen=True, slots=True)
class RegisteredWebhook(NewWebhook, StartsExecutions):
    """A registered webhook with what it starts."""

    workflow_id: str
    version_id: UUID
    project_id: str


@dataclass(frozen=True, slots=True)
class DueSchedule(StartsExecutions):
    """A rule whose time has come, locked until the transaction ends; `now` is PostgreSQL's."""

    workflow_id: str
    node: str
    rule_index: int
    rule: bytes
    due_at: datetime
    now: datetime
    version_id: UUID
    project_id: str


PATHS = """
    SELECT h.path
      FROM webhooks AS h
     WHERE h.workflow_id = %(workflow_id)s
"""

FORGET_WEBHOOKS = """
    DELETE FROM webhooks AS h
     WHERE h.workflow_id = %(workflow_id)s
"""

FORGET_SCHEDULES = """
    DELETE FROM schedules AS s
     WHERE s.workflow_id = %(workflow_id)s
       AND (s.node, s.rule_index) NOT IN (
               SELECT k.node, k.rule_index
                 FROM unnest(%(nodes)s::text[], %(indexes)s::int[]) AS k (node, rule_index))
"""

ADD_WEBHOOK = """
    INSERT INTO webhooks (workflow_id, node, method, path, webhook_id, pattern, settings)
    VALUES (%(workflow_id)s, %(node)s, %(method)s, %(path)s, %(webhook_id)s, %(pattern)s, %(settings)s::text::json)
"""

# A rule that is unchanged by a save keeps its rhythm.
ADD_SCHEDULE = """
    INSERT INTO schedules AS s (workflow_id, node, rule_index, rule, next_at)
    VALUES (%(workflow_id)s, %(node)s, %(rule_index)s, %(rule)s::text::json, %(next_at)s)
    ON CONFLICT (workflow_id, node, rule_index) DO UPDATE
       SET rule = EXCLUDED.rule, next_at = EXCLUDED.next_at
     WHERE s.rule::text <> EXCLUDED.rule::text
"""

# Uses webhooks_by_pattern for a plain path, webhooks_by_webhook_id for one with parameters.
FIND_WEBHOOKS = """
    SELECT h.node, h.method, h.path, h.webhook_id, h.pattern, h.settings, h.workflow_id,
           coalesce(w.active_version_id, w.version_id) AS version_id, w.project_id
      FROM webhooks AS h
      JOIN workflows AS w ON w.id = h.workflow_id
     WHERE h.webhook_id IS NULL AND h.pattern = %(path)s
        OR h.webhook_id = split_part(%(path)s, '/', 1)
"""

# Uses schedules_due. Another worker's rows are skipped, so each time fires once. Projects take turns: what one of them
# is behind with keeps no other one's from firing in time.
DUE = """
    WITH due AS MATERIALIZED (
        SELECT s.workflow_id, s.node, s.rule_index,
               row_number() OVER (PARTITION BY w.project_id ORDER BY s.next_at) AS turn
          FROM schedules AS s
          JOIN workflows AS w ON w.id = s.workflow_id
         WHERE s.next_at <= statement_timestamp()
    )
    SELECT s.workflow_id, s.node, s.rule_index, s.rule, s.next_at AS due_at, clock_timestamp() AS now,
           coalesce(w.active_version_id, w.version_id) AS version_id, w.project_id
      FROM due
      JOIN schedules AS s USING (workflow_id, node, rule_index)
      JOIN workflows AS w ON w.id = s.workflow_id
     WHERE s.next_at <= statement_timestamp()
     ORDER BY due.turn, s.next_at
     LIMIT %(limit)s
       FOR UPDATE OF s SKIP LOCKED
"""

FIRED = """
    UPDATE schedules AS s
       SET last_at = s.next_at, next_at = %(next_at)s
     WHERE s.workflow_id = %(workflow_id)s AND s.node = %(node)s AND s.rule_index = %(rule_index)s
"""

NEXT_DUE_SECONDS = """
    SELECT extract(epoch FROM s.next_at - clock_timestamp())::float
      FROM schedules AS s
     ORDER BY s.next_at
     LIMIT 1
"""

SAVE_ANSWER = """
    INSERT INTO webhook_answers (execution_id, answer)
    VALUES (%(execution_id)s, %(answer)s::text::json)
    ON CONFLICT (execution_id) DO NOTHING
"""

ANSWER_OR_STATUS = """
    SELECT (SELECT a.answer FROM webhook_answers AS a WHERE a.execution_id = %(execution_id)s),
           (SELECT e.status FROM executions AS e WHERE e.id = %(execution_id)s)
"""

FORGET_ANSWERS = """
    DELETE FROM webhook_answers AS a
     WHERE a.created_at < statement_timestamp() - interval '1 hour'
"""


def register(
    connection: Connection,
    workflow_id: str,
    webhooks: Sequence[NewWebhook],
    schedules: Sequence[NewSchedule],
    *,
    visible: str | None = None,
) -> None:
    """Let a workflow have exactly these triggers. Raises AlreadyExists for an address that another workflow has.

    `visible` is the project that the caller may see, None for all: a workflow of another one is not named.
    """
    connection.execute(FORGET_WEBHOOKS, {"workflow_id": workflow_id})
    webhook_addresses.claim(connection, workflow_id, webhooks, visible)
    with connection.cursor() as cursor:
        cursor.executemany(
            ADD_WEBHOOK,
            [{**fields(w), "settings": w.settings.decode(), "workflow_id": workflow_id} for w in webhooks],
        )
    current = {"nodes": [s.node for s in schedules], "indexes": [s.rule_index for s in schedules]}
    connection.execute(FORGET_SCHEDULES, {**current, "workflow_id": workflow_id})
    for schedule in schedules:
        values = {**fields(schedule), "rule": schedule.rule.decode(), "workflow_id": workflow_id}
        connection.execute(ADD_SCHEDULE, values)


def fields(record: NewWebhook | NewSchedule) -> dict[str, Any]:
    """A record's fields by name."""
    return {name: getattr(record, name) for name in record.__slots__}


def paths_of(connection: Connection, workflow_id: str) -> set[str]:
    """The paths by which a workflow is called now."""
    return {path for (path,) in connection.execute(PATHS, {"workflow_id": workflow_id})}


def find_webhooks(connection: Connection, path: str) -> list[RegisteredWebhook]:
    """Webhooks, of any method, that a call to this path may mean; those with parameters are yet to be compared."""
    with connection.cursor(row_factory=class_row(RegisteredWebhook)) as cursor:
        return cursor.execute(FIND_WEBHOOKS, {"path": path}).fetchall()


def take_due_schedules(connection: Connection, *, limit: int) -> list[DueSchedule]:
    """At most `limit` rules whose time has come, of each project in turn; nobody else gets them while this transaction
    lasts."""
    with connection.cursor(row_factory=class_row(DueSchedule)) as cursor:
        return cursor.execute(DUE, {"limit": limit}).fetchall()


def mark_fired(connection: Connection, schedule: DueSchedule, next_at: datetime) -> None:
    """Note that a rule has fired, and when it is due again."""
    where = {"workflow_id": schedule.workflow_id, "node": schedule.node, "rule_index": schedule.rule_index}
    connection.execute(FIRED, {**where, "next_at": next_at})


def seconds_to_next_schedule(connection: Connection) -> float | None:
    """How long until the next rule is due (negative: overdue), None when there is none."""
    value = scalar(connection, NEXT_DUE_SECONDS)
    return None if value is None else float(value)


def save_answer(connection: Connection, execution_id: int, answer: bytes) -> None:
    """Store what a webhook's caller gets (JSON); the first answer stays."""
    connection.execute(SAVE_ANSWER, {"execution_id": execution_id, "answer": answer.decode()})


def answer_now(connection: Connection, execution_id: int, answer: bytes) -> None:
    """Store what a webhook's caller gets, and tell whoever waits for it."""
    save_answer(connection, execution_id, answer)
    notifications.announce_answer(connection, execution_id)


@dataclass(frozen=True, slots=True)
class AnswerState:
    """What a webhook's caller gets (JSON), None while nothing was said; and the execution's status, None when gone."""

    answer: bytes | None
    status: Status | None


def read_answer_state(connection: Connection, execution_id: int) -> AnswerState:
    """Whether the execution that a webhook has started has answered or ended."""
    row = connection.execute(ANSWER_OR_STATUS, {"execution_id": execution_id}).fetchone()
    assert row is not None
    return AnswerState(*row)


def forget_old_answers(connection: Connection) -> None:
    """Drop answers that nobody fetched within an hour."""
    connection.execute(FORGET_ANSWERS)


def addresses(connection: Connection) -> set[tuple[str, str, str | None]]:
    """The method and path of every webhook, with what stands before it where it has parameters."""
    return set(connection.execute(ADDRESSES).fetchall())
