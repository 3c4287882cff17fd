"""Which statement gives a page of a list, so that it reads about as many rows as it answers with.

A list that names workflows, projects, statuses, modes, calls, tags or votes is put together from short ranges: one for
each pair of status and mode (and workflow or project, and tag or vote) that may occur in it. Each range is the newest
few entries of one index, and the newest of them all are the page. By its statistics the planner might instead walk down
the primary key and filter: quick for what runs all the time, a walk through the whole table for what ran only last
year.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from app.repository.error_search import HIGHEST, LOWEST, NOT_INDEXED, PAGE_OF_BLOCKS, SHOWS
from app.repository.execution_filters import FIRST_AFTER, FIRST_FROM, ExecutionFilter
from app.vocabulary import FAILED as FAILED_STATUSES
from app.vocabulary import MODES, STATUSES

MAX_RANGES = 5_000  # beyond, the planner chooses: nobody asks for a hundred workflows by hand

COLUMNS = sql.SQL("""
           e.id, e.workflow_id, v.name, e.workflow_version_id, e.project_id, e.status, e.mode,
           e.created_at, e.started_at, e.stopped_at, e.wait_till, e.retry_of, e.retry_success_id,
           e.error_node, e.error_message, e.json_size_bytes, e.vote, e.note, e.tagged,
           e.input_preview""")

PAGE = sql.SQL("""
    SELECT {columns}
      FROM executions AS e
      JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     WHERE {condition}
     ORDER BY e.id DESC
     LIMIT {limit}
""")

# ANY of one value is the same as equality, but to the planner it does not fix the column: the order by that column
# counts, and only the index that begins with it gives that order.
PAGE_OF_RANGES = sql.SQL("""
    SELECT {columns}
      FROM (SELECT DISTINCT newest.id
              FROM {values}
             CROSS JOIN LATERAL (
                   SELECT {id} AS id
                     FROM {source}
                    WHERE {leading} = ANY(ARRAY[{first}])
                      AND {condition}
                    ORDER BY {leading} DESC, {id} DESC
                    LIMIT {limit}) AS newest
             WHERE {possible}
             ORDER BY newest.id DESC
             LIMIT {limit}) AS page
      JOIN executions AS e ON e.id = page.id
      JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     ORDER BY e.id DESC
""")

# A workflow lives in one project: where that is another one, none of its executions need be looked at.
WAS_IN_PROJECT = sql.SQL("""EXISTS (
                   SELECT FROM workflow_versions AS saved
                    WHERE saved.workflow_id = each_workflow_id.value
                      AND (saved.project_id IS NULL OR saved.project_id = ANY(%(seen_projects)s)))""")

# Likewise a problem is of one workflow in one project; one that has been forgotten may be of any.
IS_NO_OTHERS = sql.SQL("""NOT EXISTS (
                   SELECT FROM problems AS p
                    WHERE p.id = each_problem_id.value
                      AND (p.workflow_id <> ALL(%(problem_workflows)s::text[])
                           OR p.project_id <> ALL(%(problem_projects)s::text[])))""")

VALUES = sql.SQL("unnest({parameter}::{kind}[]) AS {alias} (value)")
TEXT = sql.SQL("text")
KINDS = {"problem_id": sql.SQL("bigint"), "call_id": sql.SQL("bigint")}
EQUAL = sql.SQL("{} = {}")
TRUE = sql.SQL("true")
JOINED = sql.SQL("{table} JOIN executions AS e ON e.id = {id}")
BY_THEMSELVES = {"tag_id", "vote", "key"}  # their own order by id is an index, too


@dataclass(frozen=True, slots=True)
class RangeTable:
    """A table with ranges: its alias in a statement, and its column that is an execution's id."""

    alias: str
    own_id: str
    table: sql.SQL

    def column(self, name: str) -> sql.Identifier:
        """The column of this name, by the table's alias."""
        return sql.Identifier(self.alias, name)


EXECUTIONS = RangeTable("e", "id", sql.SQL("executions AS e"))
RANGE_TABLES = {
    "tag_id": RangeTable("et", "execution_id", sql.SQL("execution_tags AS et")),  # repeats columns of its execution
    "call_id": RangeTable("bc", "execution_id", sql.SQL("bulk_call_executions AS bc")),
    "key": RangeTable("em", "execution_id", sql.SQL("execution_metadata AS em")),
}


@dataclass(frozen=True, slots=True)
class Ranges:
    """The values by column, in the order of an index, of the ranges that a list is put together from."""

    columns: dict[str, tuple[Any, ...]]

    @property
    def source(self) -> RangeTable:
        """The table whose index has the first of the columns."""
        return RANGE_TABLES.get(next(iter(self.columns)), EXECUTIONS)

    @property
    def number(self) -> int:
        """How many ranges there are: one for each combination of values."""
        return math.prod(len(values) for values in self.columns.values())


def page_statement(
    wanted: ExecutionFilter, *, limit: int, before: int | None = None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement for at most `limit` executions that match, newest first, and its parameters.

    Not to be prepared: a plan made for any status would be wrong for a rare one.
    """
    if wanted.error is not None and not wanted.is_annotated:
        return page_of_blocks(wanted, limit, before)
    ranges = ranges_of(wanted)
    if ranges is None or ranges.number > MAX_RANGES:
        condition, parameters = wanted.condition(before=before)
        return PAGE.format(columns=COLUMNS, condition=condition, limit=sql.Literal(limit)), parameters
    return page_of_ranges(wanted, ranges, limit, before)


def page_of_ranges(
    wanted: ExecutionFilter, ranges: Ranges, limit: int, before: int | None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement that puts a page together from ranges, and its parameters."""
    left = wanted.without(ranges.columns)
    condition, parameters = left.condition(bounded=False, by_words=False)
    parameters |= {f"each_{column}": list(values) for column, values in ranges.columns.items()}
    possible, more = possible_values(wanted, ranges)
    parameters |= more
    source = ranges.source
    own_id = source.column(source.own_id)
    needs_execution = source != EXECUTIONS and left != ExecutionFilter()
    leading, *others = ranges.columns
    conditions: list[sql.Composable] = [
        EQUAL.format(source.column(column), sql.Identifier(f"each_{column}", "value")) for column in others
    ]
    conditions += [*wanted.id_bounds(own_id, before), condition]
    statement = PAGE_OF_RANGES.format(
        columns=COLUMNS,
        values=sql.SQL(" CROSS JOIN ").join(
            VALUES.format(
                parameter=sql.Placeholder(f"each_{column}"),
                kind=KINDS.get(column, TEXT),
                alias=sql.Identifier(f"each_{column}"),
            )
            for column in ranges.columns
        ),
        id=own_id,
        source=JOINED.format(table=source.table, id=own_id) if needs_execution else source.table,
        leading=source.column(leading),
        first=sql.Identifier(f"each_{leading}", "value"),
        condition=sql.SQL(" AND ").join(conditions),
        possible=possible,
        limit=sql.Literal(limit),
    )
    return statement, parameters


def possible_values(wanted: ExecutionFilter, ranges: Ranges) -> tuple[sql.SQL, dict[str, Any]]:
    """Which values of the ranges can have a match at all, by other tables than that of the ranges."""
    projects = None if (seen := wanted.seen_projects()) is None else list(seen)
    if "problem_id" in ranges.columns:
        workflows = list(wanted.workflow_ids) or None
        return IS_NO_OTHERS, {"problem_workflows": workflows, "problem_projects": projects}
    if "workflow_id" in ranges.columns and projects is not None:
        return WAS_IN_PROJECT, {"seen_projects": projects}
    return TRUE, {}


def page_of_blocks(wanted: ExecutionFilter, limit: int, before: int | None) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement that looks for words of an error in one block of ids after the other, and its parameters."""
    condition, parameters = replace(wanted, error=None).condition(bounded=False)
    search = wanted.error_search()
    own_id = sql.Identifier("e", "id")
    highest: list[sql.Composable] = [HIGHEST]
    lowest: list[sql.Composable] = [LOWEST]
    if before is not None:
        highest.append(sql.Literal(before))
    if wanted.started_before is not None:
        highest.append(FIRST_FROM)
    if wanted.started_after is not None:
        lowest.append(FIRST_AFTER)
    statement = PAGE_OF_BLOCKS.format(
        columns=COLUMNS,
        highest=sql.SQL(", ").join(highest),
        lowest=sql.SQL(", ").join(lowest),
        not_indexed=NOT_INDEXED,
        shows=SHOWS,
        query=search.query,
        condition=sql.SQL(" AND ").join([condition, *wanted.id_bounds(own_id, before)]),
        limit=sql.Literal(limit),
    )
    return statement, parameters | search.parameters


def ranges_of(wanted: ExecutionFilter) -> Ranges | None:
    """The ranges that hold all that can match; None where a list names nothing that an index begins with.

    None too for what is rarer than any range: ids, a retry's original, a value of custom data.
    """
    if wanted.ids or wanted.retry_of:
        return None
    if wanted.touched_by:
        return Ranges({"call_id": tuple(dict.fromkeys(wanted.touched_by))})
    if wanted.problem_ids:
        return ranges_of_problems(wanted)
    columns: dict[str, tuple[str, ...]] = {}
    if wanted.metadata_key is not None:
        key_alone = replace(wanted, metadata_key=None, started_after=None, started_before=None) == ExecutionFilter()
        return Ranges({"key": (wanted.metadata_key,)}) if key_alone else None
    if wanted.tags:
        columns["tag_id"] = wanted.tags
    elif wanted.votes:
        columns["vote"] = wanted.votes
    projects = wanted.seen_projects()
    if wanted.workflow_ids:
        columns["workflow_id"] = wanted.workflow_ids
    elif projects is not None:
        columns["project_id"] = projects
    if not columns.keys() <= BY_THEMSELVES or wanted.modes or wanted.statuses:
        columns |= {"mode": wanted.modes or MODES, "status": wanted.statuses or STATUSES}
    return Ranges({column: tuple(dict.fromkeys(values)) for column, values in columns.items()}) if columns else None


def ranges_of_problems(wanted: ExecutionFilter) -> Ranges | None:
    """The ranges of the failures of problems; None where few executions carry what is asked for besides."""
    if replace(wanted, tags=()).is_annotated:
        return None
    statuses = tuple(status for status in wanted.statuses or FAILED_STATUSES if status in FAILED_STATUSES)
    columns: dict[str, tuple[Any, ...]] = {"tag_id": wanted.tags} if wanted.tags else {}
    columns |= {"problem_id": wanted.problem_ids, "mode": wanted.modes or MODES, "status": statuses}
    return Ranges({column: tuple(dict.fromkeys(values)) for column, values in columns.items()})
