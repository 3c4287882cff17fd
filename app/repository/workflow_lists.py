"""Lists of workflows at their current versions."""

from collections.abc import Sequence

from psycopg.rows import args_row

from app.repository.connection import Connection
from app.repository.workflows import Workflow, with_tags

LIST = """
    SELECT w.id, w.project_id, v.name, w.active, w.version_id, v.definition, w.created_at, w.updated_at
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     WHERE w.id > %(after)s
       AND (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
       AND (%(active)s::boolean IS NULL OR w.active = %(active)s)
       AND (%(name)s::text IS NULL OR v.name = %(name)s)
       AND (%(tags)s::text[] IS NULL OR w.id IN (
               SELECT wt.workflow_id FROM workflow_tags AS wt JOIN tags AS t ON t.id = wt.tag_id
                WHERE t.name = ANY(%(tags)s::text[])
                GROUP BY wt.workflow_id
               HAVING count(*) = cardinality(%(tags)s::text[])))
     ORDER BY w.id
     LIMIT %(limit)s
"""


def list_workflows(
    connection: Connection,
    *,
    limit: int,
    after: str = "",
    project_id: str | None = None,
    active: bool | None = None,
    name: str | None = None,
    tags: Sequence[str] | None = None,
) -> list[Workflow]:
    """At most `limit` workflows in the order of their ids, those after `after`; of `tags`, names, each carries all."""
    parameters = {
        "limit": limit,
        "after": after,
        "project_id": project_id,
        "active": active,
        "name": name,
        "tags": sorted(set(tags)) if tags else None,
    }
    with connection.cursor(row_factory=args_row(Workflow)) as cursor:
        return with_tags(connection, cursor.execute(LIST, parameters).fetchall())
