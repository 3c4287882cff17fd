"""What PostgreSQL does for a statement: the plan, run and not only estimated."""

import orjson
from psycopg import sql

from tests.repository.million import ROWS

BUFFERS = 1_500  # pages of 8 KiB that a page of a list, a claim or a count may touch
SORTED = 11_000 * ROWS // 1_000_000


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


def assert_cheap(plan: dict, *, buffers: int = BUFFERS) -> None:
    for node in nodes(plan):
        on_executions = node.get("Relation Name") == "executions"
        assert not (node["Node Type"] == "Seq Scan" and on_executions), plan
        if "Sort" in node["Node Type"]:
            assert node["Plans"][0]["Actual Rows"] <= SORTED, f"sorts too much: {plan}"
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert touched <= buffers, f"touches {touched} pages: {plan}"
