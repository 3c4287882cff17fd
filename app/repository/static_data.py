"""What workflows keep from one execution to the next ($getWorkflowStaticData), each in the parts that change alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.repository.connection import Connection

READ = """
    SELECT s.workflow_id, json_object_agg(s.scope, s.data ORDER BY s.scope)
      FROM workflow_static_data AS s
     WHERE s.workflow_id = ANY(%(ids)s)
     GROUP BY s.workflow_id
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

FORGET = """
    DELETE FROM workflow_static_data AS s
     WHERE s.workflow_id = %(workflow_id)s
"""


@dataclass(frozen=True, slots=True, order=True)
class StaticChange:
    """One part of a workflow's static data (`global`, or `node:` and a node's name), as an execution left it: JSON."""

    workflow_id: str
    scope: str
    data: bytes


def read(connection: Connection, workflow_ids: Sequence[str]) -> dict[str, bytes]:
    """The static data of these workflows as JSON objects, by scope; those that keep none are left out."""
    return dict(connection.execute(READ, {"ids": list(workflow_ids)}).fetchall())


def save(connection: Connection, changes: Iterable[StaticChange]) -> None:
    """Keep what executions have changed; of several changes of one part, the last.

    Always in the same order, so that two workers that save for the same workflows never wait for each other.
    """
    last = {(change.workflow_id, change.scope): change for change in changes}
    with connection.pipeline():
        for _, change in sorted(last.items()):
            connection.execute(
                SAVE, {"workflow_id": change.workflow_id, "scope": change.scope, "data": change.data.decode()}
            )


def replace(connection: Connection, workflow_id: str, parts: Mapping[str, bytes]) -> None:
    """Make these the workflow's static data, and all of it."""
    connection.execute(FORGET, {"workflow_id": workflow_id})
    save(connection, [StaticChange(workflow_id, scope, data) for scope, data in parts.items()])
