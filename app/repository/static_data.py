"""What workflows keep from one execution to the next ($getWorkflowStaticData), each in the parts that change alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from app.repository.connection import Connection, scalar

READ = """
    SELECT s.workflow_id, json_object_agg(s.scope, s.data ORDER BY s.scope)
      FROM workflow_static_data AS s
     WHERE s.workflow_id = ANY(%(ids)s)
     GROUP BY s.workflow_id
"""

READ_PARTS = """
    SELECT s.scope, s.data
      FROM workflow_static_data AS s
     WHERE s.workflow_id = %(workflow_id)s
"""

# A workflow that has been deleted meanwhile keeps nothing.
SAVE = """
    INSERT INTO workflow_static_data AS s (workflow_id, scope, data)
    SELECT w.id, %(scope)s, %(data)s::text::json
      FROM workflows AS w
     WHERE w.id = %(workflow_id)s
       FOR KEY SHARE
    ON CONFLICT (workflow_id, scope) DO UPDATE SET data = EXCLUDED.data, updated_at = now()
"""

REPLACE = """
    UPDATE workflow_static_data AS s
       SET data = %(data)s::text::json, updated_at = now()
     WHERE s.workflow_id = %(workflow_id)s AND s.scope = %(scope)s AND s.data::text = %(before)s
    RETURNING true
"""

BEGIN = """
    INSERT INTO workflow_static_data (workflow_id, scope, data)
    SELECT w.id, %(scope)s, %(data)s::text::json
      FROM workflows AS w
     WHERE w.id = %(workflow_id)s
       FOR KEY SHARE
    ON CONFLICT (workflow_id, scope) DO NOTHING
    RETURNING true
"""

EXISTS = """
    SELECT EXISTS (SELECT FROM workflows AS w WHERE w.id = %(workflow_id)s)
"""

FORGET = """
    DELETE FROM workflow_static_data AS s
     WHERE s.workflow_id = %(workflow_id)s
"""


class StaticDataChanged(Exception):
    """Somebody else has changed the part meanwhile."""


class CannotKeep(Exception):
    """PostgreSQL cannot hold the part."""


@dataclass(frozen=True, slots=True, order=True)
class StaticChange:
    """One part of a workflow's static data (`global`, or `node:` and a node's name), as an execution left it: JSON."""

    workflow_id: str
    scope: str
    data: bytes


def read_parts(connection: Connection, workflow_id: str) -> dict[str, bytes]:
    """The static data of one workflow, by scope, each part as the JSON that was kept."""
    return dict(connection.execute(READ_PARTS, {"workflow_id": workflow_id}).fetchall())


def read(connection: Connection, workflow_ids: Sequence[str]) -> dict[str, bytes]:
    """The static data of these workflows as JSON objects, by scope; those that keep none are left out."""
    return dict(connection.execute(READ, {"ids": list(workflow_ids)}).fetchall())


def save(connection: Connection, changes: Iterable[StaticChange]) -> None:
    """Keep what executions have changed; of several changes of one part, the last.

    Always in the same order, so that two workers that save for the same workflows never wait for each other.
    """
    last = {(change.workflow_id, change.scope): change for change in changes}
    if not last:
        return  # even an empty pipeline waits for the server
    with connection.pipeline():
        for _, change in sorted(last.items()):
            connection.execute(
                SAVE, {"workflow_id": change.workflow_id, "scope": change.scope, "data": change.data.decode()}
            )


def change(connection: Connection, workflow_id: str, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """Keep these parts, if each still is what it was before (absent: nothing).

    Raises StaticDataChanged when one is not, and CannotKeep: the transaction has to be rolled back. Nothing is kept of
    a deleted workflow.
    """
    for scope in sorted(after):
        part = {"workflow_id": workflow_id, "scope": scope, "data": after[scope].decode()}
        known = before.get(scope)
        try:
            if known is None:
                stored = scalar(connection, BEGIN, part)
            else:
                stored = scalar(connection, REPLACE, {**part, "before": known.decode()})
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            raise CannotKeep(error.diag.message_primary or str(error)) from error
        if not stored and scalar(connection, EXISTS, {"workflow_id": workflow_id}):
            raise StaticDataChanged


def replace(connection: Connection, workflow_id: str, parts: Mapping[str, bytes]) -> None:
    """Make these the workflow's static data, and all of it."""
    connection.execute(FORGET, {"workflow_id": workflow_id})
    save(connection, [StaticChange(workflow_id, scope, data) for scope, data in parts.items()])
