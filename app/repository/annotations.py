"""What people say about an execution: a vote, a note and tags."""

from collections.abc import Sequence

from app.repository.connection import Connection, scalar
from app.repository.errors import ExecutionNotFound

LOCK = """
    SELECT true
      FROM executions AS e
     WHERE e.id = %(id)s AND (%(project_id)s::text IS NULL OR e.project_id = %(project_id)s)
       FOR NO KEY UPDATE
"""

SET_VOTE = """
    UPDATE executions AS e
       SET vote = %(vote)s
     WHERE e.id = %(id)s
"""

SET_NOTE = """
    UPDATE executions AS e
       SET note = %(note)s
     WHERE e.id = %(id)s
"""

# A tag that nobody made yet is made with its id as its name, as the API's own example needs it.
MAKE_UNKNOWN_TAGS = """
    INSERT INTO tags (id, name)
    SELECT wanted.id, wanted.id
      FROM unnest(%(tags)s::text[]) AS wanted (id)
     WHERE NOT EXISTS (SELECT FROM tags AS t WHERE t.id = wanted.id OR t.name = wanted.id)
     ORDER BY wanted.id
    ON CONFLICT DO NOTHING
"""

# By id, and by name where no tag has it as its id. Nobody deletes them before they are given.
FIND_TAGS = """
    SELECT t.id
      FROM tags AS t
     WHERE t.id = ANY(%(tags)s::text[])
        OR (t.name = ANY(%(tags)s::text[]) AND NOT EXISTS (SELECT FROM tags AS named WHERE named.id = t.name))
     ORDER BY t.id
       FOR KEY SHARE
"""

REMOVE_TAGS = """
    DELETE FROM execution_tags AS et
     WHERE et.execution_id = %(id)s AND et.tag_id <> ALL(%(tags)s::text[])
"""

ADD_TAGS = """
    INSERT INTO execution_tags (execution_id, tag_id)
    SELECT %(id)s, t.id FROM tags AS t WHERE t.id = ANY(%(tags)s::text[])
    ON CONFLICT (execution_id, tag_id) DO NOTHING
"""


# Locked in the order of their ids, as everything locks that locks several.
ADD_TAGS_TO_MANY = """
    WITH locked AS MATERIALIZED (
        SELECT e.id FROM executions AS e WHERE e.id = ANY(%(ids)s) ORDER BY e.id FOR NO KEY UPDATE),
    added AS (
        INSERT INTO execution_tags (execution_id, tag_id)
        SELECT l.id, t.id
          FROM locked AS l
         CROSS JOIN tags AS t
         WHERE t.id = ANY(%(tags)s::text[])
         ORDER BY l.id
        ON CONFLICT (execution_id, tag_id) DO NOTHING)
    SELECT l.id FROM locked AS l
"""


def lock_execution(connection: Connection, execution_id: int, *, project_id: str | None = None) -> None:
    """Keep others from annotating or deleting the execution until the transaction ends. Raises ExecutionNotFound."""
    if not scalar(connection, LOCK, {"id": execution_id, "project_id": project_id}):
        raise ExecutionNotFound


def set_vote(connection: Connection, execution_id: int, vote: str | None) -> None:
    """Vote an execution "up" or "down", or take the vote back with None."""
    connection.execute(SET_VOTE, {"id": execution_id, "vote": vote})


def set_note(connection: Connection, execution_id: int, note: str | None) -> None:
    """Write something about an execution, or take that back with None."""
    connection.execute(SET_NOTE, {"id": execution_id, "note": note})


def set_tags(connection: Connection, execution_id: int, tags: Sequence[str]) -> None:
    """Give an execution exactly these tags, by id.

    An id that no tag has stands for the tag of that name, which is made when there is none.
    """
    wanted = {"id": execution_id, "tags": find_or_create_tags(connection, tags)}
    connection.execute(REMOVE_TAGS, wanted)
    connection.execute(ADD_TAGS, wanted)


def add_tags(connection: Connection, ids: Sequence[int], tags: Sequence[str]) -> list[int]:
    """Give executions these tags besides their own, by id as set_tags; returns the ids of those that are there."""
    wanted = {"ids": list(ids), "tags": find_or_create_tags(connection, tags)}
    return [execution_id for (execution_id,) in connection.execute(ADD_TAGS_TO_MANY, wanted)]


def find_or_create_tags(connection: Connection, tags: Sequence[str]) -> list[str]:
    """The ids of the tags that are meant by these; those that are not there are made."""
    named = {"tags": sorted(set(tags))}
    connection.execute(MAKE_UNKNOWN_TAGS, named)
    return [tag_id for (tag_id,) in connection.execute(FIND_TAGS, named)]
