"""Lists of workflows at their current versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import args_row

from app.repository.connection import Connection
from app.repository.workflows import Workflow, with_tags

LIST = sql.SQL("""
    SELECT w.id, w.project_id, v.name, w.active, w.version_id, v.definition, w.created_at, w.updated_at,
           w.active_version_id, w.is_archived, w.folder
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE {matching}
     ORDER BY w.id
     LIMIT %(limit)s
    OFFSET %(offset)s
""")

NAMES = """
    SELECT w.id, w.name
      FROM workflows AS w
     WHERE %(project_id)s::text IS NULL OR w.project_id = %(project_id)s
     ORDER BY w.id
     LIMIT %(limit)s
"""

AFTER = sql.SQL("w.id > %(after)s")
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
class WorkflowFilter:
    """Conditions that all must hold; None means no condition.

    `name` is a part of the name, without regard to case; of `tags`, names, a workflow carries all.
    """

    project_id: str | None = None
    active: bool | None = None
    name: str | None = None
    tags: Sequence[str] | None = None

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
        parameters = {
            "after": after,
            "project_id": self.project_id,
            "active": self.active,
            "name": self.name,
            "tags": tags,
        }
        return sql.SQL(" AND ").join(clauses), parameters


def list_statement(
    wanted: WorkflowFilter, *, limit: int, after: str = "", offset: int = 0
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement for a page of a list, and its parameters."""
    condition, parameters = wanted.condition(after)
    return LIST.format(matching=condition), {**parameters, "limit": limit, "offset": offset}


def list_workflows(
    connection: Connection, wanted: WorkflowFilter, *, limit: int, after: str = "", offset: int = 0
) -> list[Workflow]:
    """At most `limit` workflows that match, in the order of their ids; those after `after`, the first `offset` not."""
    statement, parameters = list_statement(wanted, limit=limit, after=after, offset=offset)
    with connection.cursor(row_factory=args_row(Workflow)) as cursor:
        # Not to be prepared: a plan made for any name would not look at the pieces of this one.
        return with_tags(connection, cursor.execute(statement, parameters, prepare=False).fetchall())
