"""The one query for executions, as this n8n's tables allow it; PostgreSQL and SQLite differ in how rows become JSON."""

import re
from collections.abc import Callable

from app.importing.n8n.known_tables import Columns

JSON_FUNCTIONS = {
    "postgresql": ("json_agg(json_build_array({}))", "json_agg({})"),
    "sqlite": ("json_group_array(json_array({}))", "json_group_array({})"),
}

DATA = {
    "postgresql": "CASE WHEN octet_length(d.data) <= {largest:d} THEN d.data END AS flatted, "
    "octet_length(d.data) AS flatted_bytes",
    "sqlite": "d.rowid AS place",
}
SIZES_OF_JSON = {"postgresql": "pg_column_size({})", "sqlite": "length(CAST({} AS BLOB))"}
"""PostgreSQL knows what JSON takes on disk without reading it. n8n bounds the size of a workflow."""

ENDED_OR_WAITS = "e.status NOT IN ('new', 'running')"
NOT_DELETED = 'e."deletedAt" IS NULL'

WORKFLOW = 'd."workflowData"'
COLUMN = 'e."{}"'
NAME = re.compile("[A-Za-z_]+")
"""Of the columns of executions: n8n has no others."""

NEWEST = """
    SELECT e.id AS id
      FROM {} AS e
     WHERE e."workflowId" = {} AND e.status = 'success'
     ORDER BY e.id DESC
     LIMIT {}
"""


def brought_query(columns: Columns, table: Callable[[str], str]) -> str:
    """SQL that counts the executions that would come if none were here."""
    parts = {"status": ENDED_OR_WAITS, "deletedAt": NOT_DELETED}
    conditions = [part for name, part in parts.items() if has(columns, "execution_entity", name)]
    return f"SELECT count(*) AS n FROM {table('execution_entity')} AS e WHERE {' AND '.join(conditions) or 'true'}"


def executions_query(columns: Columns, dialect: str, table: Callable[[str], str], largest: int) -> str:
    """SQL with one `{}` for the condition on `e`.

    Yields the columns of `execution_entity`, and `flatted`, `ran` (the workflow that ran, where no version of the
    history says it), `metadata`, `vote`, `note` and `tags`. Of data and workflows of more than `largest` bytes it
    yields none; `flatted_bytes` says how many there are. SQLite cannot tell the size of a text without reading it:
    there it yields `place`, the data's row, instead.
    """
    pairs, list_of = JSON_FUNCTIONS[dialect]
    parts = [COLUMN.format(name) for name in sorted(columns["execution_entity"]) if NAME.fullmatch(name)]
    joined = ""
    if has(columns, "execution_data", "executionId"):
        joined = f'LEFT JOIN {table("execution_data")} AS d ON d."executionId" = e.id'
        if has(columns, "execution_data", "data"):
            parts.append(DATA[dialect].format(largest=largest))
        if has(columns, "execution_data", "workflowData"):
            parts.append(f"{_ran(columns, table, dialect, largest)} AS ran")
    if has(columns, "execution_metadata", "executionId", "key", "value"):
        made = pairs.format("CAST(m.key AS text), CAST(m.value AS text)")
        of_it = f'FROM {table("execution_metadata")} AS m WHERE m."executionId" = e.id'
        parts.append(f"(SELECT {made} {of_it}) AS metadata")
    if has(columns, "execution_annotations", "executionId"):
        of_it = f'FROM {table("execution_annotations")} AS a WHERE a."executionId" = e.id'
        said = [name for name in ("vote", "note") if has(columns, "execution_annotations", name)]
        parts += [f"(SELECT max(a.{name}) {of_it}) AS {name}" for name in said]
    if has(columns, "execution_annotations", "executionId", "id") and has(
        columns, "execution_annotation_tags", "annotationId", "tagId"
    ):
        tags = f'JOIN {table("execution_annotation_tags")} AS t ON t."annotationId" = a.id'
        source = f'FROM {table("execution_annotations")} AS a {tags} WHERE a."executionId" = e.id'
        named = list_of.format('CAST(t."tagId" AS text)')
        parts.append(f"(SELECT {named} {source}) AS tags")
    entity = table("execution_entity")
    return f"SELECT {', '.join(parts)} FROM {entity} AS e {joined} WHERE {{}} ORDER BY e.id"


def has(columns: Columns, table: str, *names: str) -> bool:
    """Whether the table is there, with these columns."""
    return table in columns and all(name in columns[table] for name in names)


def _ran(columns: Columns, table: Callable[[str], str], dialect: str, largest: int) -> str:
    """The workflow that ran, unless the history has the version that the execution names."""
    fits = f"{SIZES_OF_JSON[dialect].format(WORKFLOW)} <= {largest:d}"
    if has(columns, "workflow_history", "versionId") and has(columns, "execution_entity", "workflowVersionId"):
        known = f'SELECT 1 FROM {table("workflow_history")} AS h WHERE h."versionId" = e."workflowVersionId"'
        fits = f"NOT EXISTS ({known}) AND {fits}"
    return f"CASE WHEN {fits} THEN {WORKFLOW} END"
