"""What PostgreSQL does for a statement: the plan, run and not only estimated."""

import orjson
from psycopg import sql


def plan_of(connection, statement, parameters) -> dict:
    """What PostgreSQL did for this statement; its changes are rolled back."""
    explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ")
    statement = sql.SQL(statement) if isinstance(statement, str) else statement
    with connection.transaction(force_rollback=True):
        return orjson.loads(connection.execute(explain + statement, parameters).fetchone()[0])[0]["Plan"]


def nodes(plan: dict):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
