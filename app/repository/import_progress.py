"""How far the sources of imports were read, and that there is one import at a time, which fits to what is here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from app.repository.connection import Connection, json_of, scalar
from app.repository.errors import Conflict

LOCK = "SELECT pg_try_advisory_lock(hashtext('executions import'))"
# One that was killed in the middle of a statement does not keep the lock for as long as that takes.
GOES_WITH_ITS_CLIENT = "SET client_connection_check_interval = '1s'"

PROGRESS = """
    SELECT i.highest_id
      FROM imports AS i
     WHERE i.source = %(source)s
"""

# Who is being deactivated loses its webhooks there first.
SAVE_ACTIVE = """
    INSERT INTO imported_active AS a (source, workflow_id, version_id, webhooks, seen_at)
    VALUES (%(source)s, %(workflow_id)s, %(version_id)s, %(webhooks)s, now())
    ON CONFLICT (source, workflow_id) DO UPDATE
       SET version_id = EXCLUDED.version_id, seen_at = EXCLUDED.seen_at,
           webhooks = CASE WHEN a.version_id IS NOT DISTINCT FROM EXCLUDED.version_id
                            AND json_array_length(EXCLUDED.webhooks) < json_array_length(a.webhooks)
                           THEN a.webhooks ELSE EXCLUDED.webhooks END
"""

ACTIVE = """
    SELECT a.workflow_id, a.version_id, a.webhooks, a.seen_at
      FROM imported_active AS a
     WHERE a.source = %(source)s
     ORDER BY a.seen_at DESC, a.workflow_id
"""

SAVE_WORKFLOWS = """
    INSERT INTO imported_workflows AS i (source, workflow_id, version_id)
    SELECT %(source)s, there.id, there.version_id
      FROM unnest(%(ids)s::text[], %(versions)s::uuid[]) AS there (id, version_id)
    ON CONFLICT (source, workflow_id) DO UPDATE SET version_id = EXCLUDED.version_id
     WHERE i.version_id IS DISTINCT FROM EXCLUDED.version_id AND EXCLUDED.version_id IS NOT NULL
"""

LEFT_AT = """
    SELECT i.workflow_id, i.version_id
      FROM imported_workflows AS i
     WHERE i.version_id IS NOT NULL
"""

GONE_WORKFLOWS = """
    SELECT w.id, v.name
      FROM imported_workflows AS i
      JOIN workflows AS w ON w.id = i.workflow_id
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE i.source = %(source)s AND i.workflow_id <> ALL(%(ids)s::text[])
     ORDER BY w.id
"""

HIGHEST = """
    SELECT max(i.highest_id)
      FROM imports AS i
"""

SAVE_PROGRESS = """
    INSERT INTO imports AS i (source, highest_id)
    VALUES (%(source)s, %(highest_id)s)
    ON CONFLICT (source) DO UPDATE
       SET highest_id = greatest(i.highest_id, EXCLUDED.highest_id), changed_at = now()
"""

# Uses the primary key: the lowest id that no import has brought.
FIRST_OWN = """
    SELECT min(e.id)
      FROM executions AS e
     WHERE e.id > (SELECT coalesce(max(i.highest_id), 0) FROM imports AS i)
"""


class CannotMix(Conflict):
    """Executions that ran here are older than what is to come in."""

    def __init__(self, first_own: int) -> None:
        super().__init__(
            f"Executions have run here already, from {first_own} on, and what comes in has ids above that: lists would "
            "no longer be in the order of time. Import into an empty database, or delete those executions first "
            "(--remove-demo deletes the demo workflows and their runs)."
        )


WebhookThere = tuple[str, str, str | None, str]
"""A webhook of n8n: its method, path, webhook id (where it is part of the address) and node."""


@dataclass(frozen=True, slots=True)
class ActiveThere:
    """A workflow that is active in n8n, at a version (None: the current one), and its webhooks."""

    workflow_id: str
    version_id: UUID | None
    webhooks: Sequence[WebhookThere]


@dataclass(frozen=True, slots=True)
class SeenActive(ActiveThere):
    """One that was active when it was last seen so."""

    seen_at: datetime


def take_import_lock(connection: Connection) -> bool:
    """Whether no other import is under way; this one is, from now on, until the connection is closed."""
    connection.execute(GOES_WITH_ITS_CLIENT)
    return bool(scalar(connection, LOCK))


def read_progress(connection: Connection, source: str) -> int:
    """How far this source was read: all up to this id, but for what `import_leftovers` has; 0 when it never was."""
    return int(scalar(connection, PROGRESS, {"source": source}) or 0)


def highest_imported(connection: Connection) -> int:
    """The highest id of an execution that any import has brought; 0 when there is none."""
    return int(scalar(connection, HIGHEST) or 0)


def save_progress(connection: Connection, source: str, highest_id: int) -> None:
    """Note how far this source was read."""
    connection.execute(SAVE_PROGRESS, {"source": source, "highest_id": highest_id})


def save_active(connection: Connection, source: str, active: Sequence[ActiveThere]) -> None:
    """Note which workflows are active there now."""
    with connection.cursor() as cursor:
        cursor.executemany(
            SAVE_ACTIVE,
            [
                {
                    "source": source,
                    "workflow_id": each.workflow_id,
                    "version_id": each.version_id,
                    "webhooks": json_of(orjson.dumps(each.webhooks)),
                }
                for each in active
            ],
        )


def seen_active(connection: Connection, source: str) -> list[SeenActive]:
    """Which workflows were ever seen active there, the latest first."""
    return [
        SeenActive(workflow_id, version_id, orjson.loads(webhooks), seen_at)
        for workflow_id, version_id, webhooks, seen_at in connection.execute(ACTIVE, {"source": source})
    ]


def save_workflows(connection: Connection, source: str, versions: Mapping[str, UUID | None]) -> None:
    """Note which workflows there are, each with the version that it was left at (None: that is not known any more)."""
    values = {"source": source, "ids": list(versions), "versions": list(versions.values())}
    connection.execute(SAVE_WORKFLOWS, values)


def versions_left_at(connection: Connection) -> set[tuple[str, UUID]]:
    """The workflows that any import has brought, each with a version that it was left at."""
    return set(connection.execute(LEFT_AT).fetchall())


def gone_workflows(connection: Connection, source: str, ids: Collection[str]) -> list[tuple[str, str]]:
    """The ids and names of the workflows that came from there and are not among these, which are there now."""
    return connection.execute(GONE_WORKFLOWS, {"source": source, "ids": list(ids)}).fetchall()


def refuse_to_mix(connection: Connection, highest_id: int) -> None:
    """Raise CannotMix when executions of this program are older than one with this id."""
    first_own = scalar(connection, FIRST_OWN)
    if first_own is not None and highest_id >= first_own:
        raise CannotMix(first_own)
