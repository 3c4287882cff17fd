"""Tags: names that executions and workflows can carry, shared by all projects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection, read_one
from app.repository.errors import TagNotFound


@dataclass(frozen=True, slots=True)
class TagRecord:
    """A tag with the times of its making and last change."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


LIST = """
    SELECT t.id, t.name, t.created_at, t.updated_at
      FROM tags AS t
     WHERE t.id > %(after)s
     ORDER BY t.id
     LIMIT %(limit)s
"""

GET = """
    SELECT t.id, t.name, t.created_at, t.updated_at
      FROM tags AS t
     WHERE t.id = %(id)s
"""

GET_MANY = """
    SELECT t.id, t.name, t.created_at, t.updated_at
      FROM tags AS t
     WHERE t.id = ANY(%(ids)s::text[])
     ORDER BY t.name, t.id
"""

FIND = """
    SELECT t.id, t.name, t.created_at, t.updated_at
      FROM tags AS t
     WHERE t.id = ANY(%(ids)s::text[]) OR t.name = ANY(%(names)s::text[])
     ORDER BY t.id
"""

# The share lock keeps them from being deleted before somebody refers to them.
LOCK_MANY = """
    SELECT t.id
      FROM tags AS t
     WHERE t.id = ANY(%(ids)s::text[])
     ORDER BY t.id
       FOR KEY SHARE
"""

CREATE = """
    INSERT INTO tags (id, name)
    VALUES (%(id)s, %(name)s)
    RETURNING id, name, created_at, updated_at
"""

RENAME = """
    UPDATE tags AS t
       SET name = %(name)s, updated_at = now()
     WHERE t.id = %(id)s
    RETURNING t.id, t.name, t.created_at, t.updated_at
"""

DELETE = """
    DELETE FROM tags AS t
     WHERE t.id = %(id)s
    RETURNING t.id, t.name, t.created_at, t.updated_at
"""


def list_tags(connection: Connection, *, limit: int, after: str = "") -> list[TagRecord]:
    """At most `limit` tags in the order of their ids, those after `after`."""
    with connection.cursor(row_factory=class_row(TagRecord)) as cursor:
        return cursor.execute(LIST, {"limit": limit, "after": after}).fetchall()


def get_tag(connection: Connection, tag_id: str) -> TagRecord:
    """The tag with this id. Raises TagNotFound."""
    return one(connection, GET, id=tag_id)


def get_tags(connection: Connection, ids: Sequence[str]) -> list[TagRecord]:
    """Those of the tags that exist, in the order of their names."""
    with connection.cursor(row_factory=class_row(TagRecord)) as cursor:
        return cursor.execute(GET_MANY, {"ids": list(ids)}).fetchall()


def find_tags(connection: Connection, named: Mapping[str, str]) -> list[TagRecord]:
    """The tags that have one of these ids, or one of their names."""
    with connection.cursor(row_factory=class_row(TagRecord)) as cursor:
        return cursor.execute(FIND, {"ids": list(named), "names": list(named.values())}).fetchall()


def require_tags(connection: Connection, ids: Sequence[str]) -> None:
    """Make sure that all these tags exist until the transaction ends. Raises TagNotFound."""
    rows = connection.execute(LOCK_MANY, {"ids": list(ids)}).fetchall()
    if len(rows) < len(set(ids)):
        raise TagNotFound("Some tags not found")


def create_tag(connection: Connection, tag_id: str, name: str) -> TagRecord:
    """Make a tag. Raises AlreadyExists when the name or id is taken."""
    return one(connection, CREATE, id=tag_id, name=name)


def rename_tag(connection: Connection, tag_id: str, name: str) -> TagRecord:
    """Give a tag another name. Raises TagNotFound, AlreadyExists."""
    return one(connection, RENAME, id=tag_id, name=name)


def delete_tag(connection: Connection, tag_id: str) -> TagRecord:
    """Delete a tag; whatever carried it loses it. Returns what it was. Raises TagNotFound."""
    return one(connection, DELETE, id=tag_id)


def one(connection: Connection, statement: str, **parameters: str) -> TagRecord:
    """The tag that a statement names. Raises TagNotFound."""
    return read_one(connection, class_row(TagRecord), statement, parameters, TagNotFound)
