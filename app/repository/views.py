"""Lists of executions that somebody has given a name; each belongs to the API key that it was saved with."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from app.repository.connection import Connection, read_one
from app.repository.errors import Conflict, ViewNotFound

MAX_PER_KEY = 100

LIST = """
    SELECT v.id, v.name, v.query, v.created_at
      FROM views AS v
     WHERE v.api_key_id = %(api_key_id)s
     ORDER BY v.name, v.id
"""

# Two that save at the same moment are counted one after the other.
LOCK_KEY = "SELECT FROM api_keys AS k WHERE k.id = %(api_key_id)s FOR NO KEY UPDATE"

# Nothing where the key has as many as it may.
CREATE = """
    INSERT INTO views (api_key_id, name, query)
    SELECT %(api_key_id)s, %(name)s, %(query)s
     WHERE (SELECT count(*) FROM views AS v WHERE v.api_key_id = %(api_key_id)s) < %(most)s
    RETURNING id, name, query, created_at
"""

DELETE = """
    DELETE FROM views AS v
     WHERE v.id = %(id)s AND v.api_key_id = %(api_key_id)s
    RETURNING v.id, v.name, v.query, v.created_at
"""


@dataclass(frozen=True, slots=True)
class View:
    """`query` is the query string of GET /executions that names the list."""

    id: int
    name: str
    query: str
    created_at: datetime


def list_views(connection: Connection, api_key_id: int) -> list[View]:
    """All views of a key, by name."""
    with connection.cursor(row_factory=args_row(View)) as cursor:
        return cursor.execute(LIST, {"api_key_id": api_key_id}).fetchall()


def create_view(connection: Connection, api_key_id: int, *, name: str, query: str) -> View:
    """Save a view. Raises AlreadyExists for a name that the key has a view of, Conflict for one too many."""
    connection.execute(LOCK_KEY, {"api_key_id": api_key_id})
    wanted = {"api_key_id": api_key_id, "name": name, "query": query, "most": MAX_PER_KEY}
    one_too_many = Conflict(f"An API key can have {MAX_PER_KEY} views: delete one first")
    return read_one(connection, args_row(View), CREATE, wanted, one_too_many)


def delete_view(connection: Connection, api_key_id: int, view_id: int) -> View:
    """Delete a view of a key; returns what it was. Raises ViewNotFound."""
    return read_one(connection, args_row(View), DELETE, {"id": view_id, "api_key_id": api_key_id}, ViewNotFound)
