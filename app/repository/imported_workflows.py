"""Workflows and their versions that come in from another program with their ids and times.

Each function stores what is not here, or what has changed there since it came; what was changed here is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.repository.connection import Connection, scalar
from app.repository.imported_objects import Times
from app.repository.workflows import ADD_TAGS

ADD_VERSION = """
    INSERT INTO workflow_versions (id, workflow_id, project_id, name, definition, created_at)
    VALUES (%(id)s, %(workflow_id)s, %(project_id)s, %(name)s, %(definition)s::text::json, %(created_at)s)
    ON CONFLICT (id) DO NOTHING
"""

# Of what has run here, the record stays what it was.
REFRESH_VERSION = """
    UPDATE workflow_versions AS v
       SET name = %(name)s, definition = %(definition)s::text::json,
           node_types = node_types_of(%(definition)s::text::json)
     WHERE v.id = %(id)s AND v.workflow_id = %(workflow_id)s
       AND (v.name <> %(name)s OR v.definition::text <> %(definition)s)
    RETURNING true
"""

ZONE = """
    SELECT v.definition -> 'settings' ->> 'timezone'
      FROM workflow_versions AS v
     WHERE v.id = %(id)s
"""

RAN_HERE = """
    SELECT EXISTS (SELECT
                     FROM executions AS e
                    WHERE e.workflow_id = %(id)s AND e.id > (SELECT coalesce(max(i.highest_id), 0) FROM imports AS i))
        OR EXISTS (SELECT
                     FROM imported_waits AS w
                     JOIN executions AS e ON e.id = w.execution_id
                    WHERE e.workflow_id = %(id)s AND w.released_at IS NOT NULL)
"""

VERSION_IDS = """
    SELECT v.id
      FROM workflow_versions AS v
     WHERE v.workflow_id = %(workflow_id)s AND v.id = ANY(%(ids)s::uuid[])
"""

CURRENT = """
    SELECT w.version_id, w.active, w.is_archived
      FROM workflows AS w
     WHERE w.id = %(id)s
       FOR UPDATE
"""

ACTIVE_HERE = "SELECT w.id FROM workflows AS w WHERE w.active"

ADD_WORKFLOW = """
    INSERT INTO workflows (id, project_id, version_id, folder, is_archived, created_at, updated_at)
    VALUES (%(id)s, %(project_id)s, %(version_id)s, %(folder)s, %(is_archived)s, %(created_at)s, %(updated_at)s)
"""

CHANGE_WORKFLOW = """
    UPDATE workflows AS w
       SET version_id = %(version_id)s, folder = %(folder)s, is_archived = %(is_archived)s, updated_at = %(updated_at)s
     WHERE w.id = %(id)s
       AND (w.version_id, w.folder, w.is_archived) IS DISTINCT FROM (%(version_id)s, %(folder)s, %(is_archived)s)
    RETURNING true
"""

# Tags that it was given here and n8n does not know stay.
REMOVE_TAGS = """
    DELETE FROM workflow_tags AS wt
     WHERE wt.workflow_id = %(id)s AND wt.tag_id = ANY(%(known)s::text[]) AND wt.tag_id <> ALL(%(tags)s::text[])
"""


@dataclass(frozen=True, slots=True)
class CurrentWorkflow:
    """What a workflow is here: its version, whether its triggers start executions, and whether it was put away."""

    version_id: UUID
    active: bool
    is_archived: bool


def add_version(
    connection: Connection,
    version_id: UUID,
    *,
    workflow_id: str,
    project_id: str,
    name: str,
    definition: bytes,
    created_at: datetime,
) -> None:
    """Store a version of a workflow, unless there is one with this id."""
    values = {"id": version_id, "workflow_id": workflow_id, "project_id": project_id, "name": name}
    connection.execute(ADD_VERSION, {**values, "definition": definition.decode(), "created_at": created_at})


def refresh_version(
    connection: Connection, version_id: UUID, *, workflow_id: str, name: str, definition: bytes
) -> bool:
    """Give a version the name and the settings that its workflow has by now; returns whether they are others."""
    values = {"id": version_id, "workflow_id": workflow_id, "name": name, "definition": definition.decode()}
    return bool(scalar(connection, REFRESH_VERSION, values))


def zone_of_version(connection: Connection, version_id: UUID) -> str | None:
    """The time zone in the settings of a version; None where they name none, or it is not here."""
    zone: str | None = scalar(connection, ZONE, {"id": version_id})
    return zone


def has_run_here(connection: Connection, workflow_id: str) -> bool:
    """Whether any execution of the workflow ran, or went on, in this program."""
    return bool(scalar(connection, RAN_HERE, {"id": workflow_id}))


def known_versions(connection: Connection, workflow_id: str, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are versions of this workflow."""
    rows = connection.execute(VERSION_IDS, {"workflow_id": workflow_id, "ids": list(ids)})
    return {row[0] for row in rows}


def current_workflow(connection: Connection, workflow_id: str) -> CurrentWorkflow | None:
    """What the workflow is here, locked until the transaction ends; None: it is not here."""
    row = connection.execute(CURRENT, {"id": workflow_id}).fetchone()
    return None if row is None else CurrentWorkflow(*row)


def active_workflows(connection: Connection) -> set[str]:
    """The ids of the workflows whose triggers start executions here."""
    return {row[0] for row in connection.execute(ACTIVE_HERE)}


def add_workflow(
    connection: Connection,
    workflow_id: str,
    *,
    project_id: str,
    version_id: UUID,
    folder: str | None,
    archived: bool,
    times: Times,
) -> None:
    """Store a workflow, inactive, at a version that is there."""
    values = {"id": workflow_id, "project_id": project_id, "version_id": version_id, "folder": folder}
    connection.execute(ADD_WORKFLOW, {**values, "is_archived": archived, **times.to_parameters()})


def change_workflow(
    connection: Connection,
    workflow_id: str,
    *,
    version_id: UUID,
    folder: str | None,
    archived: bool,
    updated_at: datetime,
) -> bool:
    """Make this version the current one, in this folder; returns whether anything of it is new."""
    values = {"id": workflow_id, "version_id": version_id, "folder": folder, "is_archived": archived}
    return bool(scalar(connection, CHANGE_WORKFLOW, {**values, "updated_at": updated_at}))


def follow_tags(connection: Connection, workflow_id: str, tags: Sequence[str], *, known: Sequence[str]) -> None:
    """Give a workflow these tags, and take from it those of the `known` ones that are none of them."""
    wanted = {"id": workflow_id, "tags": sorted(set(tags)), "known": list(known)}
    connection.execute(REMOVE_TAGS, wanted)
    connection.execute(ADD_TAGS, wanted)
