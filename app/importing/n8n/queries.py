"""The one query for executions, as this n8n's tables allow it; PostgreSQL and SQLite differ in how rows become JSON."""

from collections.abc import Callable, Collection, Mapping

Columns = Mapping[str, Collection[str]]
"""The columns of each table that is there."""

JSON_FUNCTIONS = {
    "postgresql": ("json_agg(json_build_array({}))", "json_agg({})"),
    "sqlite": ("json_group_array(json_array({}))", "json_group_array({})"),
}


NEWEST = """
    SELECT e.id AS id
      FROM {} AS e
     WHERE e."workflowId" = {} AND e.status = 'success'
     ORDER BY e.id DESC
     LIMIT {}
"""


def executions_query(columns: Columns, dialect: str, table: Callable[[str], str]) -> str:
    """SQL with one `{}` for the condition on `e`.

    Yields the columns of `execution_entity`, and `flatted`, `ran` (the workflow that ran, where no version of the
    history says it), `metadata`, `vote`, `note` and `tags`.
    """
    pairs, list_of = JSON_FUNCTIONS[dialect]
    data = f'LEFT JOIN {table("execution_data")} AS d ON d."executionId" = e.id'
    parts = ["e.*", "d.data AS flatted", f"{_ran(columns, table)} AS ran"]
    if "execution_metadata" in columns:
        made = pairs.format("m.key, m.value")
        of_it = f'FROM {table("execution_metadata")} AS m WHERE m."executionId" = e.id'
        parts.append(f"(SELECT {made} {of_it}) AS metadata")
    if "execution_annotations" in columns:
        of_it = f'FROM {table("execution_annotations")} AS a WHERE a."executionId" = e.id'
        parts += [f"(SELECT a.vote {of_it}) AS vote", f"(SELECT a.note {of_it}) AS note"]
        tags = f'JOIN {table("execution_annotation_tags")} AS t ON t."annotationId" = a.id'
        source = f'FROM {table("execution_annotations")} AS a {tags} WHERE a."executionId" = e.id'
        named = list_of.format('t."tagId"')
        parts.append(f"(SELECT {named} {source}) AS tags")
    entity = table("execution_entity")
    return f"SELECT {', '.join(parts)} FROM {entity} AS e {data} WHERE {{}} ORDER BY e.id"


def _ran(columns: Columns, table: Callable[[str], str]) -> str:
    """The workflow that ran, unless the history has the version that the execution names."""
    if "workflow_history" not in columns or "workflowVersionId" not in columns["execution_entity"]:
        return 'd."workflowData"'
    known = f'SELECT 1 FROM {table("workflow_history")} AS h WHERE h."versionId" = e."workflowVersionId"'
    return f'CASE WHEN NOT EXISTS ({known}) THEN d."workflowData" END'
