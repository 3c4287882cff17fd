"""Projects: what workflows, executions and keys belong to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors as pg
from psycopg.rows import class_row

from app.repository.connection import Connection, scalar
from app.repository.errors import ProjectNotFound, StillInUse

DEFAULT_PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Project:
    """What workflows, executions, credentials and keys belong to."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


LIST = """
    SELECT p.id, p.name, p.created_at, p.updated_at
      FROM projects AS p
     WHERE p.id > %(after)s AND (%(project_id)s::text IS NULL OR p.id = %(project_id)s)
     ORDER BY p.id
     LIMIT %(limit)s
"""

THESE = """
    SELECT p.id, p.name, p.created_at, p.updated_at
      FROM projects AS p
     WHERE p.id = ANY(%(ids)s)
"""

CREATE = """
    INSERT INTO projects (id, name)
    VALUES (%(id)s, %(name)s)
    RETURNING id, name, created_at, updated_at
"""

RENAME = """
    UPDATE projects AS p
       SET name = %(name)s, updated_at = now()
     WHERE p.id = %(id)s
    RETURNING true
"""

DELETE = """
    DELETE FROM projects AS p
     WHERE p.id = %(id)s
    RETURNING true
"""


# What is known of executions that were deleted; another project may get this id.
FORGET = (
    "DELETE FROM execution_totals AS t WHERE t.project_id = %(id)s",
    "DELETE FROM problems AS p WHERE p.project_id = %(id)s",
)


def list_projects(
    connection: Connection, *, limit: int, after: str = "", project_id: str | None = None
) -> list[Project]:
    """At most `limit` projects in the order of their ids, those after `after`; only the one, when one is given."""
    parameters = {"limit": limit, "after": after, "project_id": project_id}
    with connection.cursor(row_factory=class_row(Project)) as cursor:
        return cursor.execute(LIST, parameters).fetchall()


def get_projects(connection: Connection, ids: Collection[str]) -> dict[str, Project]:
    """These projects by their ids."""
    with connection.cursor(row_factory=class_row(Project)) as cursor:
        return {project.id: project for project in cursor.execute(THESE, {"ids": list(ids)})}


def create_project(connection: Connection, project_id: str, name: str) -> Project:
    """Make a project. Raises AlreadyExists when the id is taken."""
    with connection.cursor(row_factory=class_row(Project)) as cursor:
        project = cursor.execute(CREATE, {"id": project_id, "name": name}).fetchone()
    assert project is not None
    return project


def rename_project(connection: Connection, project_id: str, name: str) -> None:
    """Give a project another name. Raises ProjectNotFound."""
    if not scalar(connection, RENAME, {"id": project_id, "name": name}):
        raise ProjectNotFound


def delete_project(connection: Connection, project_id: str) -> None:
    """Delete a project that holds nothing, and its keys. Raises ProjectNotFound, StillInUse."""
    try:
        with connection.transaction():
            deleted = scalar(connection, DELETE, {"id": project_id})
    except pg.ForeignKeyViolation as error:
        raise StillInUse(
            "The project still has workflows, executions, credentials, variables or data tables"
        ) from error
    if not deleted:
        raise ProjectNotFound
    for statement in FORGET:
        connection.execute(statement, {"id": project_id})
