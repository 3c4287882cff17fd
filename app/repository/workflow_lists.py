"""Lists of workflows at their current versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import args_row

from app.repository.connection import Connection
from app.repository.workflows import Workflow, with_tags

LIST = sql.SQL("""
    SELECT w.id, w.project_id, v.name, w.active, w.version_id, {definition}, w.created_at, w.updated_at,
           w.active_version_id, w.is_archived, w.folder
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE {matching}
     ORDER BY w.id
     LIMIT %(limit)s
    OFFSET %(offset)s
""")

DEFINITION, NO_DEFINITION = sql.SQL("v.definition"), sql.SQL("'{}'::json")

# What is stored of a document is known without reading it.
PLACES = sql.SQL("""
    SELECT p.id, pg_column_size(v.definition) + coalesce(pg_column_size(a.definition), 0)
           + (SELECT coalesce(sum(pg_column_size(s.data)), 0)::bigint
                FROM workflow_static_data AS s
               WHERE s.workflow_id = p.id)
      FROM (SELECT w.id, w.version_id, w.active_version_id
              FROM workflows AS w
             WHERE {matching}
             ORDER BY w.id
             LIMIT %(limit)s
            OFFSET %(offset)s) AS p
      JOIN workflow_versions AS v ON v.id = p.version_id
      LEFT JOIN workflow_versions AS a ON a.id = p.active_version_id
     ORDER BY p.id
""")

NAMES = """
    SELECT w.id, w.name
      FROM workflows AS w
     WHERE %(project_id)s::text IS NULL OR w.project_id = %(project_id)s
     ORDER BY w.id
     LIMIT %(limit)s
"""

AFTER = sql.SQL("w.id > %(after)s")
ONE_OF = sql.SQL("w.id = ANY(%(ids)s::text[])")
OF_PROJECT = sql.SQL("w.project_id = %(project_id)s")
ACTIVE = sql.SQL("w.active = %(active)s")
# The pieces find candidates in the index, and the text itself decides. Shorter texts have no pieces.
CONTAINS = sql.SQL("strpos(lower(w.name), lower(%(name)s)) > 0")
HAS_PIECES = sql.SQL("name_pieces(w.name) @> name_pieces(%(name)s)")
MIN_PIECE_LENGTH = 3
TAGGED = sql.SQL("""w.id IN (
    SELECT wt.workflow_id FROM workflow_tags AS wt JOIN tags AS t ON t.id = wt.tag_id
     WHERE t.name = ANY(%(tags)s::text[])
     GROUP BY wt.workflow_id
    HAVING count(*) = cardinality(%(tags)s::text[]))""")


@dataclass(frozen=True, slots=True)
class WorkflowName:
    """A workflow as one chooses it from a list."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class WorkflowPlace:
    """A workflow's place in a list. `stored`: bytes that its documents take in the database: the current version, the
    published one, and what its executions have kept."""

    id: str
    stored: int


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """Conditions that all must hold; None means no condition.

    `name` is a part of the name, without regard to case; of `tags`, names, a workflow carries all.
    """

    project_id: str | None = None
    active: bool | None = None
    name: str | None = None
    tags: Sequence[str] | None = None
    ids: Sequence[str] | None = None

    def condition(self, after: str) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition on `workflows AS w`, of ids after `after`, and its parameters."""
        clauses = [AFTER]
        if self.project_id is not None:
            clauses.append(OF_PROJECT)
        if self.active is not None:
            clauses.append(ACTIVE)
        if self.name is not None:
            clauses += [CONTAINS, HAS_PIECES] if len(self.name) >= MIN_PIECE_LENGTH else [CONTAINS]
        tags = sorted(set(self.tags)) if self.tags else None
        if tags:
            clauses.append(TAGGED)
        if self.ids is not None:
            clauses.append(ONE_OF)
        parameters = {
            "after": after,
            "project_id": self.project_id,
            "active": self.active,
            "name": self.name,
            "tags": tags,
            "ids": self.ids,
        }
        return sql.SQL(" AND ").join(clauses), parameters


def list_statement(
    wanted: WorkflowFilter, *, limit: int, after: str = "", offset: int = 0, with_definitions: bool = True
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement for a page of a list, and its parameters."""
    condition, parameters = wanted.condition(after)
    definition = DEFINITION if with_definitions else NO_DEFINITION
    statement = LIST.format(matching=condition, definition=definition)
    return statement, {**parameters, "limit": limit, "offset": offset}


def list_places(
    connection: Connection, wanted: WorkflowFilter, *, limit: int, after: str = "", offset: int = 0
) -> list[WorkflowPlace]:
    """As `list_workflows`, but reads no document."""
    statement, parameters = places_statement(wanted, limit=limit, after=after, offset=offset)
    with connection.cursor(row_factory=args_row(WorkflowPlace)) as cursor:
        return cursor.execute(statement, parameters, prepare=False).fetchall()


def places_statement(
    wanted: WorkflowFilter, *, limit: int, after: str = "", offset: int = 0
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement for the places of a page, and its parameters."""
    condition, parameters = wanted.condition(after)
    return PLACES.format(matching=condition), {**parameters, "limit": limit, "offset": offset}


def list_workflows(
    connection: Connection,
    wanted: WorkflowFilter,
    *,
    limit: int,
    after: str = "",
    offset: int = 0,
    with_definitions: bool = True,
) -> list[Workflow]:
    """At most `limit` workflows that match, in the order of their ids; those after `after`, the first `offset` not.

    Without definitions each has an empty one, and none is read.
    """
    statement, parameters = list_statement(
        wanted, limit=limit, after=after, offset=offset, with_definitions=with_definitions
    )
    with connection.cursor(row_factory=args_row(Workflow)) as cursor:
        # Not to be prepared: a plan made for any name would not look at the pieces of this one.
        return with_tags(connection, cursor.execute(statement, parameters, prepare=False).fetchall())
