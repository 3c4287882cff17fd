"""The one query for executions, as this n8n's tables allow it; PostgreSQL and SQLite differ in how rows become JSON."""

import re
from collections.abc import Callable, Collection

from psycopg import sql

from app.importing.n8n.bounds import SIZE
from app.importing.n8n.known_tables import Columns

Table = Callable[[str], sql.Identifier]
"""Where a table lies, by n8n's name of it."""

JSON_FUNCTIONS = {
    "postgresql": (sql.SQL("json_agg(json_build_array({}))"), sql.SQL("json_agg({})")),
    "sqlite": (sql.SQL("json_group_array(json_array({}))"), sql.SQL("json_group_array({})")),
}

DATA = {
    "postgresql": sql.SQL(
        "CASE WHEN octet_length(d.data) <= {} THEN d.data END AS flatted, octet_length(d.data) AS flatted_bytes"
    ),
    "sqlite": sql.SQL("d.rowid AS place"),
}
COLUMN = {
    "postgresql": sql.SQL("CASE WHEN octet_length({0}::text) <= 100000 THEN {0} END AS {1}"),
    "sqlite": sql.SQL("{0} AS {1}"),
}
"""What an execution is, in a few words."""
SIZES_OF_JSON = {"postgresql": sql.SQL("pg_column_size({})"), "sqlite": sql.SQL("length(CAST({} AS BLOB))")}
"""PostgreSQL knows what JSON takes on disk without reading it. n8n bounds the size of a workflow."""

ENDED_OR_WAITS = sql.SQL("e.status NOT IN ('new', 'running')")
NOT_DELETED = sql.SQL('e."deletedAt" IS NULL')

WORKFLOW = sql.SQL('d."workflowData"')
NAME = re.compile("[A-Za-z_]+")
"""Of the columns of executions: n8n has no others."""

NUMBER = sql.SQL("SELECT count(*) AS n FROM {}")
BROUGHT = sql.SQL("SELECT count(*) AS n FROM {} AS e WHERE {}")
EXECUTIONS = sql.SQL("SELECT {} FROM {} AS e {} WHERE {} ORDER BY e.id")
JOINED_DATA = sql.SQL('LEFT JOIN {} AS d ON d."executionId" = e.id')
METADATA = sql.SQL('(SELECT {} FROM {} AS m WHERE m."executionId" = e.id) AS metadata')
ANNOTATION = sql.SQL('(SELECT max(a.{0}) FROM {1} AS a WHERE a."executionId" = e.id) AS {0}')
TAGS = sql.SQL('(SELECT {} FROM {} AS a JOIN {} AS t ON t."annotationId" = a.id WHERE a."executionId" = e.id) AS tags')
RAN = sql.SQL("CASE WHEN {} THEN {} END AS ran")
NOT_IN_HISTORY = sql.SQL('NOT EXISTS (SELECT 1 FROM {} AS h WHERE h."versionId" = e."workflowVersionId") AND ')

NEWEST = sql.SQL(
    """
    SELECT e.id AS id
      FROM {} AS e
     WHERE e."workflowId" = {} AND e.status = 'success'
     ORDER BY e.id DESC
     LIMIT {}
"""
)

# OFFSET 0: PostgreSQL would work out the size once for each column.
GUARDED = sql.SQL("SELECT {kept} FROM (SELECT {columns}, {bytes} AS {size} FROM {table} AS t OFFSET 0) AS r")
KEPT = sql.SQL("CASE WHEN r.{size} <= {most} THEN r.{name} END AS {name}")
TOO_LARGE = sql.SQL("CASE WHEN r.{size} > {most} THEN left({label}::text, 60) END AS {size}")
BYTES_OF = sql.SQL("coalesce(octet_length(t.{name}::text), 0)::bigint")


def brought_query(columns: Columns, table: Table) -> sql.Composed:
    """SQL that counts the executions that would come if none were here."""
    parts = {"status": ENDED_OR_WAITS, "deletedAt": NOT_DELETED}
    conditions = [part for name, part in parts.items() if has(columns, "execution_entity", name)]
    return BROUGHT.format(table("execution_entity"), sql.SQL(" AND ").join(conditions or [sql.SQL("true")]))


def executions_query(
    columns: Columns, dialect: str, table: Table, largest: int, condition: sql.Composable
) -> sql.Composed:
    """SQL for the executions that meet the condition on `e`.

    Yields the columns of `execution_entity`, and `flatted`, `ran` (the workflow that ran, where no version of the
    history says it), `metadata`, `vote`, `note` and `tags`. Of data and workflows of more than `largest` bytes it
    yields none; `flatted_bytes` says how many there are. SQLite cannot tell the size of a text without reading it:
    there it yields `place`, the data's row, instead.
    """
    parts: list[sql.Composable] = [
        COLUMN[dialect].format(sql.Identifier("e", name), sql.Identifier(name))
        for name in sorted(columns["execution_entity"])
        if NAME.fullmatch(name)
    ]
    joined: sql.Composable = sql.SQL("")
    if has(columns, "execution_data", "executionId"):
        joined = JOINED_DATA.format(table("execution_data"))
        if has(columns, "execution_data", "data"):
            parts.append(DATA[dialect].format(sql.Literal(largest)))
        if has(columns, "execution_data", "workflowData"):
            parts.append(_ran(columns, table, dialect, largest))
    parts += _said_of_it(columns, dialect, table)
    return EXECUTIONS.format(sql.SQL(", ").join(parts), table("execution_entity"), joined, condition)


def has(columns: Columns, table: str, *names: str) -> bool:
    """Whether the table is there, with these columns."""
    return table in columns and all(name in columns[table] for name in names)


def _ran(columns: Columns, table: Table, dialect: str, largest: int) -> sql.Composed:
    """The workflow that ran, unless the history has the version that the execution names."""
    fits = sql.SQL("{} <= {}").format(SIZES_OF_JSON[dialect].format(WORKFLOW), sql.Literal(largest))
    if has(columns, "workflow_history", "versionId") and has(columns, "execution_entity", "workflowVersionId"):
        fits = NOT_IN_HISTORY.format(table("workflow_history")) + fits
    return RAN.format(fits, WORKFLOW)


def _said_of_it(columns: Columns, dialect: str, table: Table) -> list[sql.Composable]:
    """Custom data and annotations, each as a column."""
    pairs, list_of = JSON_FUNCTIONS[dialect]
    parts: list[sql.Composable] = []
    if has(columns, "execution_metadata", "executionId", "key", "value"):
        pair = pairs.format(sql.SQL("CAST(m.key AS text), CAST(m.value AS text)"))
        parts.append(METADATA.format(pair, table("execution_metadata")))
    if has(columns, "execution_annotations", "executionId"):
        said = [name for name in ("vote", "note") if has(columns, "execution_annotations", name)]
        parts += [ANNOTATION.format(sql.Identifier(name), table("execution_annotations")) for name in said]
    if has(columns, "execution_annotations", "executionId", "id") and has(
        columns, "execution_annotation_tags", "annotationId", "tagId"
    ):
        ids = list_of.format(sql.SQL('CAST(t."tagId" AS text)'))
        parts.append(TAGS.format(ids, table("execution_annotations"), table("execution_annotation_tags")))
    return parts


def guarded_query(table: sql.Identifier, columns: Collection[str], most: int) -> sql.Composed:
    """SQL for the rows of a table; of those of more bytes than that the id alone comes, as `SIZE`."""
    names = [sql.Identifier(name) for name in sorted(columns)]
    size, limit = sql.Identifier(SIZE), sql.Literal(most)
    label = sql.SQL("coalesce(r.id::text, {})").format("") if "id" in columns else sql.Literal("")
    kept = [KEPT.format(size=size, most=limit, name=name) for name in names]
    return GUARDED.format(
        kept=sql.SQL(", ").join([*kept, TOO_LARGE.format(size=size, most=limit, label=label)]),
        columns=sql.SQL(", ").join(sql.SQL("t.{}").format(name) for name in names),
        bytes=sql.SQL(" + ").join(BYTES_OF.format(name=name) for name in names),
        size=size,
        table=table,
    )
