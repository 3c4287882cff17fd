"""Workflows and their versions: what can be run, and what was run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg.rows import args_row

from app.repository.connection import Connection, read_one, scalar
from app.repository.errors import Conflict, IsArchived, WorkflowNotFound
from app.repository.tags import TagRecord
from app.repository.targets import Target


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow at its current version; `definition` is JSON, n8n's document without what stands beside it here."""

    id: str
    project_id: str
    name: str
    active: bool
    version_id: UUID
    definition: bytes
    created_at: datetime
    updated_at: datetime
    active_version_id: UUID | None = None
    is_archived: bool = False
    folder: str | None = None
    tags: tuple[TagRecord, ...] = ()

    @property
    def target(self) -> Target:
        """What an execution of it as it is now runs, be it a draft."""
        return Target(self.id, self.version_id, self.project_id)


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """What a workflow was at one save."""

    id: UUID
    workflow_id: str
    name: str
    definition: bytes


GET = """
    SELECT w.id, w.project_id, v.name, w.active, w.version_id, v.definition, w.created_at, w.updated_at,
           w.active_version_id, w.is_archived, w.folder
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE w.id = %(id)s AND (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
"""

TAGS = """
    SELECT wt.workflow_id, t.id, t.name, t.created_at, t.updated_at
      FROM workflow_tags AS wt
      JOIN tags AS t ON t.id = wt.tag_id
     WHERE wt.workflow_id = ANY(%(ids)s)
     ORDER BY wt.workflow_id, t.name, t.id
"""

ADD_VERSION = """
    INSERT INTO workflow_versions (workflow_id, project_id, name, definition)
    VALUES (%(id)s, %(project_id)s, %(name)s, %(definition)s::text::json)
    RETURNING id
"""

CREATE = """
    INSERT INTO workflows (id, project_id, version_id)
    VALUES (%(id)s, %(project_id)s, %(version_id)s)
"""

LOCK_CURRENT = """
    SELECT w.project_id, v.name, v.definition, w.is_archived
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE w.id = %(id)s AND (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
       FOR UPDATE OF w
"""

SET_VERSION = """
    UPDATE workflows AS w
       SET version_id = %(version_id)s, updated_at = clock_timestamp()
     WHERE w.id = %(id)s
"""

# Until the end of the transaction; see sql/0024.drafts.sql.
KEEP_PUBLISHED = """
    SELECT set_config('executions.draft', 'on', true)
"""

PUBLISH_CURRENT = """
    UPDATE workflows AS w
       SET active_version_id = w.version_id
     WHERE w.id = %(id)s AND w.active AND w.active_version_id <> w.version_id
"""

# What its triggers and other workflows start: the published version, of one that is not active the current one.
GET_PUBLISHED = """
    SELECT w.id, w.project_id, v.name, w.active, v.id, v.definition, w.created_at, w.updated_at,
           w.active_version_id, w.is_archived, w.folder
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = coalesce(w.active_version_id, w.version_id)
     WHERE w.id = %(id)s AND (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
"""

SET_ACTIVE = """
    UPDATE workflows AS w
       SET active = %(active)s,
           updated_at = CASE WHEN w.active = %(active)s THEN w.updated_at ELSE clock_timestamp() END
     WHERE w.id = %(id)s AND (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
    RETURNING true
"""

DELETE = """
    DELETE FROM workflows AS w
     WHERE w.id = %(id)s AND NOT w.active
    RETURNING true
"""

DELETE_NAMED = """
    DELETE FROM workflows AS w
     USING workflow_versions AS v
     WHERE v.id = w.version_id AND v.name = ANY(%(names)s::text[]) AND w.project_id = %(project_id)s AND NOT w.active
    RETURNING w.id
"""

DELETE_ENDED = """
    DELETE FROM executions AS e
     WHERE e.workflow_id = ANY(%(ids)s::text[]) AND e.status IN ('success', 'error', 'canceled', 'crashed')
"""

VERSIONS = """
    SELECT v.id, v.workflow_id, v.name, v.definition
      FROM workflow_versions AS v
     WHERE v.id = ANY(%(ids)s)
"""

VERSION_SIZES = """
    SELECT v.id, octet_length(v.definition::text)
      FROM workflow_versions AS v
     WHERE v.id = ANY(%(ids)s)
"""

REMOVE_TAGS = """
    DELETE FROM workflow_tags AS wt
     WHERE wt.workflow_id = %(id)s AND wt.tag_id <> ALL(%(tags)s::text[])
"""

ADD_TAGS = """
    INSERT INTO workflow_tags (workflow_id, tag_id)
    SELECT %(id)s, t.id FROM tags AS t WHERE t.id = ANY(%(tags)s::text[])
    ON CONFLICT (workflow_id, tag_id) DO NOTHING
"""


def create_workflow(connection: Connection, workflow_id: str, *, project_id: str, name: str, definition: bytes) -> None:
    """Store a workflow with its first version. Raises AlreadyExists, ProjectNotFound (both when translated)."""
    version = {"id": workflow_id, "project_id": project_id, "name": name, "definition": definition.decode()}
    version_id = scalar(connection, ADD_VERSION, version)
    connection.execute(CREATE, {"id": workflow_id, "project_id": project_id, "version_id": version_id})


def lock_definition(connection: Connection, workflow_id: str) -> bytes:
    """The current document, which no other transaction changes until this one ends. Raises WorkflowNotFound."""
    current = connection.execute(LOCK_CURRENT, {"id": workflow_id, "project_id": None}).fetchone()
    if current is None:
        raise WorkflowNotFound
    return bytes(current[2])


def save_workflow(
    connection: Connection,
    workflow_id: str,
    *,
    name: str,
    definition: bytes,
    project_id: str | None = None,
    publish: bool = True,
) -> None:
    """Make this the current version, and of an active workflow the published one unless it is to stay a draft.

    A save that changes nothing makes no version. Raises WorkflowNotFound, IsArchived.
    """
    where = {"id": workflow_id, "project_id": project_id}
    current = connection.execute(LOCK_CURRENT, where).fetchone()
    if current is None:
        raise WorkflowNotFound
    if current[3]:
        raise IsArchived("Cannot update an archived workflow.")
    if (current[1], current[2]) != (name, definition):
        version = {"id": workflow_id, "project_id": current[0], "name": name, "definition": definition.decode()}
        version_id = scalar(connection, ADD_VERSION, version)
        if not publish:
            connection.execute(KEEP_PUBLISHED)
        connection.execute(SET_VERSION, {"id": workflow_id, "version_id": version_id})
    if publish:
        connection.execute(PUBLISH_CURRENT, {"id": workflow_id})


def get_workflow(connection: Connection, workflow_id: str, *, project_id: str | None = None) -> Workflow:
    """The workflow with this id, within a project when one is given. Raises WorkflowNotFound."""
    where = {"id": workflow_id, "project_id": project_id}
    workflow = read_one(connection, args_row(Workflow), GET, where, WorkflowNotFound)
    return with_tags(connection, [workflow])[0]


def get_published(connection: Connection, workflow_id: str, *, project_id: str | None = None) -> Workflow:
    """The workflow at the version that others start, as its current one. Raises WorkflowNotFound, IsArchived."""
    where = {"id": workflow_id, "project_id": project_id}
    workflow = read_one(connection, args_row(Workflow), GET_PUBLISHED, where, WorkflowNotFound)
    if workflow.is_archived:
        raise IsArchived
    return workflow


def set_active(connection: Connection, workflow_id: str, active: bool, *, project_id: str | None = None) -> None:
    """Let the workflow's triggers start executions, or no longer. Raises WorkflowNotFound."""
    where = {"id": workflow_id, "project_id": project_id, "active": active}
    if not scalar(connection, SET_ACTIVE, where):
        raise WorkflowNotFound


def delete_workflow(connection: Connection, workflow_id: str, *, project_id: str | None = None) -> Workflow:
    """Delete a workflow and return what it was; its executions and the versions that they ran stay.

    Raises WorkflowNotFound, and Conflict for one that is active.
    """
    workflow = get_workflow(connection, workflow_id, project_id=project_id)
    if not scalar(connection, DELETE, {"id": workflow_id}):
        get_workflow(connection, workflow_id)
        raise Conflict("Cannot delete an active workflow. Deactivate it before deleting it.")
    return workflow


def delete_by_names(connection: Connection, names: Sequence[str], *, project_id: str) -> int:
    """Delete the project's workflows of these names that are not active, and their executions that have ended.

    Returns how many executions those were.
    """
    rows = connection.execute(DELETE_NAMED, {"names": list(names), "project_id": project_id})
    return connection.execute(DELETE_ENDED, {"ids": [row[0] for row in rows]}).rowcount


def get_versions(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, WorkflowVersion]:
    """These versions by their ids."""
    with connection.cursor(row_factory=args_row(WorkflowVersion)) as cursor:
        return {version.id: version for version in cursor.execute(VERSIONS, {"ids": list(ids)})}


def version_sizes(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How large these versions' documents are, in bytes."""
    return dict(connection.execute(VERSION_SIZES, {"ids": list(ids)}).fetchall())


def set_tags(connection: Connection, workflow_id: str, tags: Sequence[str]) -> None:
    """Give a workflow exactly these tags, by id; unknown ids are passed over."""
    wanted = {"id": workflow_id, "tags": sorted(set(tags))}
    connection.execute(REMOVE_TAGS, wanted)
    connection.execute(ADD_TAGS, wanted)


def with_tags(connection: Connection, workflows: list[Workflow]) -> list[Workflow]:
    """Fill in the tags of workflows with one more statement."""
    if not workflows:
        return workflows
    tags: dict[str, list[TagRecord]] = {}
    for workflow_id, *tag in connection.execute(TAGS, {"ids": [w.id for w in workflows]}):
        tags.setdefault(workflow_id, []).append(TagRecord(*tag))
    return [replace(w, tags=tuple(tags[w.id])) if w.id in tags else w for w in workflows]
