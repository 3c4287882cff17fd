"""The versions of a workflow: one for each save, newest first; which of them is published stands with the workflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from app.repository.connection import Connection, scalar
from app.repository.errors import ProjectNotFound, VersionNotFound
from app.repository.workflows import KEEP_PUBLISHED


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A version; `name` is the workflow's at that save, `label` and `description` were given when it was published."""

    id: UUID
    workflow_id: str
    name: str
    definition: bytes
    label: str | None
    description: str | None
    author: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A version without what it holds."""

    id: UUID
    workflow_id: str
    label: str | None
    description: str | None
    author: str
    created_at: datetime
    updated_at: datetime


# Keys belong to the owner: who saved a version is not kept.
HISTORY = """
    SELECT v.id, v.workflow_id, v.label, v.description, v.created_at,
           coalesce(v.updated_at, v.created_at) AS updated_at,
           coalesce((SELECT concat_ws(' ', u.first_name, u.last_name) FROM users AS u WHERE u.role = 'global:owner'),
                    '') AS author
      FROM workflow_versions AS v
     WHERE v.workflow_id = %(workflow_id)s
       AND (%(after)s::uuid IS NULL
            OR (v.created_at, v.id) < (SELECT o.created_at, o.id FROM workflow_versions AS o
                                        WHERE o.id = %(after)s AND o.workflow_id = %(workflow_id)s))
     ORDER BY v.created_at DESC, v.id DESC
     LIMIT %(limit)s
"""

FIND = """
    SELECT v.id, v.workflow_id, v.name, v.definition, v.label, v.description, v.created_at,
           coalesce(v.updated_at, v.created_at) AS updated_at,
           coalesce((SELECT concat_ws(' ', u.first_name, u.last_name) FROM users AS u WHERE u.role = 'global:owner'),
                    '') AS author
      FROM workflow_versions AS v
     WHERE v.id = ANY(%(ids)s)
"""

DESCRIBE = """
    UPDATE workflow_versions AS v
       SET label = coalesce(%(label)s, v.label), description = coalesce(%(description)s, v.description),
           updated_at = clock_timestamp()
     WHERE v.id = %(id)s
"""

# A version that was named may be any; the current one must still be current, or a save that came in between would find
# itself not activated by what was read before it.
PUBLISH = """
    UPDATE workflows AS w
       SET active = true, active_version_id = %(version_id)s,
           updated_at = CASE WHEN w.active_version_id = %(version_id)s THEN w.updated_at ELSE clock_timestamp() END
     WHERE w.id = %(id)s AND NOT w.is_archived AND (NOT %(current)s OR w.version_id = %(version_id)s)
    RETURNING true
"""

SET_ARCHIVED = """
    UPDATE workflows AS w
       SET is_archived = %(archived)s, active = w.active AND NOT %(archived)s, updated_at = clock_timestamp()
     WHERE w.id = %(id)s AND w.is_archived <> %(archived)s
    RETURNING true
"""

# Where a workflow's executions are looked for is known by its versions: the version that is current in the new project
# is one of that project.
COPY_VERSION = """
    INSERT INTO workflow_versions (workflow_id, project_id, name, definition, label, description)
    SELECT v.workflow_id, %(project_id)s, v.name, v.definition, v.label, v.description
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE w.id = %(id)s
    RETURNING id
"""

TRANSFER = """
    UPDATE workflows AS w
       SET project_id = %(project_id)s, version_id = %(version_id)s,
           active_version_id = CASE WHEN w.active_version_id = w.version_id THEN %(version_id)s
                                    ELSE w.active_version_id END,
           updated_at = clock_timestamp()
     WHERE w.id = %(id)s AND w.project_id <> %(project_id)s
"""

LOCK = """
    SELECT w.project_id FROM workflows AS w WHERE w.id = %(id)s FOR UPDATE
"""

HOLD_PROJECT = """
    SELECT true FROM projects AS p WHERE p.id = %(project_id)s FOR KEY SHARE
"""


def list_history(
    connection: Connection, workflow_id: str, *, limit: int, after: UUID | None = None
) -> list[VersionSummary]:
    """At most `limit` versions, newest first, those before the version `after`."""
    parameters = {"workflow_id": workflow_id, "limit": limit, "after": after}
    with connection.cursor(row_factory=class_row(VersionSummary)) as cursor:
        return cursor.execute(HISTORY, parameters).fetchall()


def find_versions(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, VersionEntry]:
    """These versions by their ids."""
    if not ids:
        return {}
    with connection.cursor(row_factory=class_row(VersionEntry)) as cursor:
        return {version.id: version for version in cursor.execute(FIND, {"ids": list(ids)})}


def get_version(connection: Connection, workflow_id: str, version_id: UUID) -> VersionEntry:
    """This version of this workflow. Raises VersionNotFound."""
    version = find_versions(connection, [version_id]).get(version_id)
    if version is None or version.workflow_id != workflow_id:
        raise VersionNotFound
    return version


def describe_version(connection: Connection, version_id: UUID, label: str | None, description: str | None) -> None:
    """Say what a version is called and what it is about; None changes nothing."""
    if label is not None or description is not None:
        connection.execute(DESCRIBE, {"id": version_id, "label": label, "description": description})


def publish_version(connection: Connection, workflow_id: str, version_id: UUID, *, current: bool) -> bool:
    """Let the workflow's triggers start this version; with `current` only if it is still the current one.

    Returns whether it was done: not when the workflow is gone, archived or, with `current`, was saved meanwhile.
    """
    return bool(scalar(connection, PUBLISH, {"id": workflow_id, "version_id": version_id, "current": current}))


def set_archived(connection: Connection, workflow_id: str, archived: bool) -> bool:
    """Put a workflow away, or take it out again; returns whether that changed something. It is active no more."""
    return bool(scalar(connection, SET_ARCHIVED, {"id": workflow_id, "archived": archived}))


def transfer_workflow(connection: Connection, workflow_id: str, project_id: str) -> None:
    """Let a workflow belong to another project; its executions so far stay where they are. Raises ProjectNotFound."""
    if not scalar(connection, HOLD_PROJECT, {"project_id": project_id}):
        raise ProjectNotFound
    where = {"id": workflow_id, "project_id": project_id}
    if scalar(connection, LOCK, where) in (None, project_id):
        return
    version_id = scalar(connection, COPY_VERSION, where)
    connection.execute(KEEP_PUBLISHED)
    connection.execute(TRANSFER, {**where, "version_id": version_id})
