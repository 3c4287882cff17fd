"""The members of projects. What a key sees is decided by the key; a member is who belongs to a project's people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from app.repository.connection import Connection, scalar
from app.repository.errors import ProjectNotFound, UserNotFound
from app.repository.users import FIRST


@dataclass(frozen=True, slots=True)
class Member:
    """A user with the role in one project."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    created_at: datetime
    updated_at: datetime
    role: str


PROJECT = """
    SELECT true FROM projects AS p
     WHERE p.id = %(project_id)s AND (%(visible_project)s::text IS NULL OR p.id = %(visible_project)s)
"""

LIST = """
    SELECT u.id, u.email, u.first_name, u.last_name, u.created_at, u.updated_at, m.role
      FROM project_members AS m
      JOIN users AS u ON u.id = m.user_id
     WHERE m.project_id = %(project_id)s AND m.user_id > %(after)s
     ORDER BY m.user_id
     LIMIT %(limit)s
"""

KNOWN = """
    SELECT count(*) FROM users AS u WHERE u.id = ANY(%(ids)s)
"""

ADD = """
    INSERT INTO project_members (project_id, user_id, role)
    SELECT %(project_id)s, given.user_id, given.role
      FROM unnest(%(ids)s::uuid[], %(roles)s::text[]) AS given (user_id, role)
    ON CONFLICT (project_id, user_id) DO UPDATE SET role = EXCLUDED.role
"""

CHANGE = """
    UPDATE project_members AS m
       SET role = %(role)s
     WHERE m.project_id = %(project_id)s AND m.user_id = %(user_id)s
    RETURNING true
"""

REMOVE = """
    DELETE FROM project_members AS m
     WHERE m.project_id = %(project_id)s AND m.user_id = %(user_id)s
    RETURNING true
"""


def require_project(connection: Connection, project_id: str, visible_project: str | None) -> None:
    """Raises ProjectNotFound for a project that is not there, or not visible."""
    if not scalar(connection, PROJECT, {"project_id": project_id, "visible_project": visible_project}):
        raise ProjectNotFound


def list_members(connection: Connection, project_id: str, *, limit: int, after: UUID | None = None) -> list[Member]:
    """At most `limit` members in the order of their ids, those after `after`."""
    parameters = {"project_id": project_id, "limit": limit, "after": after or FIRST}
    with connection.cursor(row_factory=class_row(Member)) as cursor:
        return cursor.execute(LIST, parameters).fetchall()


def add_members(connection: Connection, project_id: str, roles: Mapping[UUID, str]) -> None:
    """Let these users be members; who is one already gets the new role. Raises UserNotFound, and adds nobody then."""
    if scalar(connection, KNOWN, {"ids": list(roles)}) != len(roles):
        raise UserNotFound
    connection.execute(ADD, {"project_id": project_id, "ids": list(roles), "roles": list(roles.values())})


def change_member(connection: Connection, project_id: str, user_id: UUID, role: str) -> None:
    """Give a member another role. Raises UserNotFound."""
    if not scalar(connection, CHANGE, {"project_id": project_id, "user_id": user_id, "role": role}):
        raise UserNotFound


def remove_member(connection: Connection, project_id: str, user_id: UUID) -> None:
    """Let a user be a member no more. Raises UserNotFound."""
    if not scalar(connection, REMOVE, {"project_id": project_id, "user_id": user_id}):
        raise UserNotFound
