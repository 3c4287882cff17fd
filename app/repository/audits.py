"""What an audit looks at: credentials that nobody uses, and nodes that are dangerous in wrong hands.

It reads the current versions of workflows, of which there are few, and never the table of executions: whether a
workflow ran lately is asked of an index, for each status and mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from app.repository.connection import Connection
from app.vocabulary import MODES, STATUSES

MAX_LOCATIONS = 1_000
"""How much of one kind is told."""
LONGEST_NAME = 500
"""Characters of the name, and of the id, of a node."""


@dataclass(frozen=True, slots=True)
class UnusedCredential:
    """A credential that is missing from some workflows; the flags say from which it is missing."""

    id: str
    name: str
    in_any: bool
    in_active: bool
    in_recent: bool


@dataclass(frozen=True, slots=True)
class AuditedNode:
    """A node of a workflow, and what an audit asks of its parameters, which may be of any size.

    `is_open`: a webhook asks nobody for a proof. `runs_query`: it executes SQL of its own; `writes_query`: that is an
    expression; `gives_values`: values go to the database apart from it.
    """

    workflow_id: str
    workflow_name: str
    active: bool
    id: str
    name: str
    type: str
    is_open: bool
    runs_query: bool
    writes_query: bool
    gives_values: bool


# Each text is taken apart once: functions are called for each row, while PostgreSQL writes expressions of a subquery
# (but for `OFFSET 0`) wherever they are used.
NODES = """
    SELECT w.id AS workflow_id, v.name AS workflow_name, w.active,
           left(coalesce(n.id, ''), %(longest)s) AS id, left(coalesce(n.name, ''), %(longest)s) AS name, n.type,
           coalesce(p.authentication, 'none') IN ('none', '', 'false', '0', '[]', '{}') AS is_open,
           coalesce(p.operation = 'executeQuery', false) AS runs_query,
           coalesce(starts_with(p.query, '='), false) AS writes_query,
           EXISTS (SELECT FROM (VALUES (o."queryReplacement"), (o."queryParameters")) AS f (given)
                    WHERE f.given NOT IN ('', 'false', '0', '[]', '{}')) AS gives_values
      FROM workflows AS w
      JOIN workflow_versions AS v ON v.id = w.version_id
     CROSS JOIN LATERAL (SELECT without_nul(v.definition) -> 'nodes' OFFSET 0) AS d (nodes)
     CROSS JOIN LATERAL json_array_elements(CASE json_typeof(d.nodes) WHEN 'array' THEN d.nodes END) AS e (node)
     CROSS JOIN LATERAL json_to_record(CASE json_typeof(e.node) WHEN 'object' THEN e.node END)
                     AS n (id text, name text, type text, parameters json)
     CROSS JOIN LATERAL json_to_record(CASE json_typeof(n.parameters) WHEN 'object' THEN n.parameters END)
                     AS p (authentication text, operation text, query text, options json)
     CROSS JOIN LATERAL json_to_record(CASE json_typeof(p.options) WHEN 'object' THEN p.options END)
                     AS o ("queryReplacement" text, "queryParameters" text)
     WHERE (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
       AND n.type = ANY(%(types)s::text[])
     ORDER BY w.id
     LIMIT %(limit)s
"""

CREDENTIALS = """
    WITH uses AS MATERIALIZED (
        SELECT DISTINCT used.value ->> 'id' AS credential_id, w.id, w.active
          FROM workflows AS w
          JOIN workflow_versions AS v ON v.id = w.version_id
         CROSS JOIN LATERAL (SELECT without_nul(v.definition) -> 'nodes' OFFSET 0) AS d (nodes)
         CROSS JOIN LATERAL json_array_elements(CASE json_typeof(d.nodes) WHEN 'array' THEN d.nodes END) AS n (node)
         CROSS JOIN LATERAL (SELECT n.node -> 'credentials' OFFSET 0) AS c (given)
         CROSS JOIN LATERAL json_each(CASE json_typeof(c.given) WHEN 'object' THEN c.given END) AS used
         WHERE (%(project_id)s::text IS NULL OR w.project_id = %(project_id)s)
           AND json_typeof(used.value) = 'object'),
    judged AS (
        SELECT c.id, c.name,
               EXISTS (SELECT FROM uses AS u WHERE u.credential_id = c.id) AS in_any,
               EXISTS (SELECT FROM uses AS u WHERE u.credential_id = c.id AND u.active) AS in_active,
               EXISTS (SELECT FROM uses AS u
                        CROSS JOIN unnest(%(modes)s::text[]) AS m (mode)
                        CROSS JOIN unnest(%(statuses)s::text[]) AS s (status)
                        WHERE u.credential_id = c.id
                          AND EXISTS (SELECT FROM executions AS e
                                       WHERE e.workflow_id = u.id AND e.mode = m.mode AND e.status = s.status
                                         AND e.id >= (SELECT first_execution_created_from(%(since)s)))) AS in_recent
          FROM credentials AS c
         WHERE %(project_id)s::text IS NULL OR c.project_id = %(project_id)s)
    SELECT j.id, j.name, j.in_any, j.in_active, j.in_recent
      FROM judged AS j
     WHERE NOT (j.in_any AND j.in_active AND j.in_recent)
     ORDER BY j.id
     LIMIT %(limit)s
"""


def unused_credentials(
    connection: Connection, *, since: datetime, project_id: str | None = None
) -> list[UnusedCredential]:
    """Credentials that are in no workflow, in no active one, or in none that has run since that time."""
    parameters = {
        "project_id": project_id,
        "since": since,
        "modes": list(MODES),
        "statuses": list(STATUSES),
        "limit": MAX_LOCATIONS,
    }
    with connection.cursor(row_factory=class_row(UnusedCredential)) as cursor:
        return cursor.execute(CREDENTIALS, parameters).fetchall()


def nodes_of_types(connection: Connection, types: Sequence[str], *, project_id: str | None = None) -> list[AuditedNode]:
    """The nodes of these types in all workflows, the first 1,000 of them."""
    parameters = {"project_id": project_id, "types": list(types), "limit": MAX_LOCATIONS, "longest": LONGEST_NAME}
    with connection.cursor(row_factory=class_row(AuditedNode)) as cursor:
        return cursor.execute(NODES, parameters).fetchall()
