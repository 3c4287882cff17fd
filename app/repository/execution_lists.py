"""Which statement gives a page of a list, so that it reads about as many rows as it answers with.

A list that names workflows, projects, statuses or modes is put together from short ranges: one for each pair of
status and mode (and workflow, or project) that may occur in it. Each range is the newest few entries of one
index, and the newest of them all are the page. By its statistics the planner might instead walk down the primary
key and filter: quick for what runs all the time, a walk through the whole table for what ran only last year.
"""

from typing import Any

from psycopg import sql

from app.repository.execution_filters import MODES, STATUSES, ExecutionFilter

MOST_RANGES = 5_000  # beyond, the planner chooses: nobody asks for a hundred workflows by hand

COLUMNS = sql.SQL("""
           e.id, e.workflow_id, v.name, e.workflow_version_id, e.project_id, e.status, e.mode,
           e.created_at, e.started_at, e.stopped_at, e.wait_till, e.retry_of, e.retry_success_id,
           e.error_node, e.error_message, e.json_size_bytes, e.vote""")

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
      FROM (SELECT newest.id
              FROM {values}
             CROSS JOIN LATERAL (
                   SELECT e.id
                     FROM executions AS e
                    WHERE {leading} = ANY(ARRAY[{first}])
                      AND {equalities}
                      AND e.id >= {low} AND e.id < {high}
                      AND {condition}
                    ORDER BY {leading} DESC, e.id DESC
                    LIMIT {limit}) AS newest
             ORDER BY newest.id DESC
             LIMIT {limit}) AS page
      JOIN executions AS e ON e.id = page.id
      JOIN workflow_versions AS v ON v.id = e.workflow_version_id
     ORDER BY e.id DESC
""")

VALUES = sql.SQL("unnest({parameter}::text[]) AS {alias} (value)")
EQUAL = sql.SQL("{} = {}")
LAST_ID = 2**63 - 1


def page_statement(
    wanted: ExecutionFilter, *, limit: int, before: int | None = None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement for at most `limit` executions that match, newest first, and its parameters.

    Not to be prepared: a plan made for any status would be wrong for a rare one.
    """
    ranges = ranges_of(wanted)
    size = sql.Literal(limit)
    if ranges is None:
        condition, parameters = wanted.condition(before=before)
        return PAGE.format(columns=COLUMNS, condition=condition, limit=size), parameters
    condition, parameters = wanted.without(ranges).condition(bounded=False)
    low, high = wanted.id_bounds(before)
    leading, *others = ranges
    statement = PAGE_OF_RANGES.format(
        columns=COLUMNS,
        values=sql.SQL(" CROSS JOIN ").join(
            VALUES.format(parameter=sql.Placeholder(f"each_{column}"), alias=sql.Identifier(f"each_{column}"))
            for column in ranges
        ),
        leading=sql.Identifier("e", leading),
        first=sql.Identifier(f"each_{leading}", "value"),
        equalities=sql.SQL(" AND ").join(
            EQUAL.format(sql.Identifier("e", column), sql.Identifier(f"each_{column}", "value")) for column in others
        ),
        low=low or sql.Literal(0),
        high=high or sql.Literal(LAST_ID),
        condition=condition,
        limit=size,
    )
    return statement, parameters | {f"each_{column}": list(values) for column, values in ranges.items()}


def ranges_of(wanted: ExecutionFilter) -> dict[str, tuple[str, ...]] | None:
    """The values by column, in the order of an index, that a list is put together from.

    None for one that names none of these columns, or something rarer: ids, a retry's original, what is annotated.
    """
    if wanted.ids or wanted.retry_of or wanted.tags or wanted.votes or wanted.metadata_key is not None:
        return None
    projects = wanted.seen_projects()
    ranges = {"mode": wanted.modes or MODES, "status": wanted.statuses or STATUSES}
    if wanted.workflow_ids:
        ranges = {"workflow_id": wanted.workflow_ids, **ranges}
    elif projects is not None:
        ranges = {"project_id": projects, **ranges}
    elif not (wanted.modes or wanted.statuses):
        return None
    ranges = {column: tuple(dict.fromkeys(values)) for column, values in ranges.items()}
    number = 1
    for values in ranges.values():
        number *= len(values)
    return ranges if number <= MOST_RANGES else None
