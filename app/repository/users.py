"""Users: the owner of the instance, and whom it has invited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from app.repository.connection import Connection, read_one, scalar
from app.repository.errors import StillInUse, UserNotFound
from app.vocabulary import OWNER

OWNER_EMAIL = "owner@executions.local"


@dataclass(frozen=True, slots=True)
class User:
    """`pending` is one that was invited and has no key yet."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: str
    created_at: datetime
    updated_at: datetime
    pending: bool


MAKE_OWNER = """
    INSERT INTO users (email, first_name, last_name, role)
    SELECT %(email)s, 'Instance', 'Owner', 'global:owner'
     WHERE NOT EXISTS (SELECT FROM users AS u WHERE u.role = 'global:owner')
    ON CONFLICT DO NOTHING
"""

OWNER_ID = """
    SELECT u.id FROM users AS u WHERE u.role = 'global:owner'
"""

RENAME_OWNER = """
    UPDATE users AS u
       SET email = lower(%(email)s), first_name = %(first_name)s, last_name = %(last_name)s, updated_at = now()
     WHERE u.role = 'global:owner'
"""

# Whom a key that is limited to a project sees: the owner, its own user, and the members of the project. Who belongs to
# another project it does not learn.
LIST = """
    SELECT u.id, u.email, u.first_name, u.last_name, u.role, u.created_at, u.updated_at,
           u.role <> 'global:owner' AND NOT EXISTS (SELECT FROM api_keys AS k WHERE k.user_id = u.id) AS pending
      FROM users AS u
     WHERE u.id > %(after)s
       AND (%(project_id)s::text IS NULL OR u.role = 'global:owner'
            OR (u.id IN (SELECT m.user_id FROM project_members AS m WHERE m.project_id = %(project_id)s)
                AND (%(visible_project)s::text IS NULL OR %(visible_project)s = %(project_id)s)))
       AND (%(visible_project)s::text IS NULL OR u.role = 'global:owner' OR u.id = %(own)s
            OR u.id IN (SELECT m.user_id FROM project_members AS m WHERE m.project_id = %(visible_project)s))
     ORDER BY u.id
     LIMIT %(limit)s
    OFFSET %(offset)s
"""

GET = """
    SELECT u.id, u.email, u.first_name, u.last_name, u.role, u.created_at, u.updated_at,
           u.role <> 'global:owner' AND NOT EXISTS (SELECT FROM api_keys AS k WHERE k.user_id = u.id) AS pending
      FROM users AS u
     WHERE (u.id = %(id)s OR u.email = lower(%(email)s))
       AND (%(visible_project)s::text IS NULL OR u.role = 'global:owner' OR u.id = %(own)s
            OR u.id IN (SELECT m.user_id FROM project_members AS m WHERE m.project_id = %(visible_project)s))
"""

INVITE = """
    INSERT INTO users (email)
    SELECT DISTINCT lower(given.email) FROM unnest(%(emails)s::text[]) AS given (email)
    ON CONFLICT (email) DO NOTHING
"""

INVITED = """
    SELECT u.id, u.email, u.first_name, u.last_name, u.role, u.created_at, u.updated_at, true AS pending
      FROM users AS u
     WHERE u.email = ANY(ARRAY(SELECT lower(given.email) FROM unnest(%(emails)s::text[]) AS given (email)))
       AND u.role <> 'global:owner' AND NOT EXISTS (SELECT FROM api_keys AS k WHERE k.user_id = u.id)
     ORDER BY u.id
"""

DELETE = """
    DELETE FROM users AS u
     WHERE u.id = %(id)s AND u.role <> 'global:owner'
    RETURNING true
"""

FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sight:
    """Which users a key sees: all, or when it is limited to a project the owner, its own user and the members."""

    project_id: str | None = None
    own_user: UUID | None = None


def owner_id(connection: Connection) -> UUID:
    """The id of the owner of this instance, who is made when there is none yet."""
    owner = scalar(connection, OWNER_ID)
    if owner is None:
        connection.execute(MAKE_OWNER, {"email": OWNER_EMAIL})
        owner = scalar(connection, OWNER_ID)
    assert isinstance(owner, UUID)
    return owner


def rename_owner(connection: Connection, *, email: str, first_name: str, last_name: str) -> None:
    """Say who the owner is. Raises AlreadyExists when another user has the address."""
    owner_id(connection)
    connection.execute(RENAME_OWNER, {"email": email, "first_name": first_name, "last_name": last_name})


def list_users(
    connection: Connection,
    sight: Sight,
    *,
    limit: int,
    after: UUID | None = None,
    offset: int = 0,
    project_id: str | None = None,
) -> list[User]:
    """At most `limit` users in the order of their ids, those after `after`; of a project its members."""
    owner_id(connection)
    parameters = {
        "limit": limit,
        "offset": offset,
        "after": after or FIRST,
        "project_id": project_id,
        "visible_project": sight.project_id,
        "own": sight.own_user,
    }
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(LIST, parameters).fetchall()


def get_user(connection: Connection, sight: Sight, *, user_id: UUID | None = None, email: str = "") -> User:
    """The user with this id or e-mail address. Raises UserNotFound."""
    owner_id(connection)
    parameters = {
        "id": user_id,
        "email": email,
        "visible_project": sight.project_id,
        "own": sight.own_user,
    }
    return read_one(connection, class_row(User), GET, parameters, UserNotFound)


def invite_users(connection: Connection, emails: Sequence[str]) -> list[User]:
    """Make users of these addresses; returns those that are pending now. Who has a key already is passed over."""
    owner_id(connection)
    connection.execute(INVITE, {"emails": list(emails)})
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(INVITED, {"emails": list(emails)}).fetchall()


def delete_user(connection: Connection, user: User) -> None:
    """Delete a user with all keys. Raises StillInUse for the owner, UserNotFound when it is gone."""
    if user.role == OWNER:
        raise StillInUse("The owner of the instance cannot be deleted")
    if not scalar(connection, DELETE, {"id": user.id}):
        raise UserNotFound
