"""Lists of workflows: found by an index, whatever their number."""

import orjson
import pytest
from psycopg import sql

from app.repository import connection as connection_module
from app.repository.workflow_lists import WorkflowFilter, list_page, list_statement, list_workflows
from tests.postgres import cloned_database

ROWS = 20_000
FILL = """
    INSERT INTO workflow_versions (workflow_id, project_id, name, definition)
    SELECT 'w' || n, 'default', 'Orders of shop ' || md5(n::text), '{"nodes":[]}' FROM generate_series(1, %(rows)s) AS n
"""
OF_VERSIONS = """
    INSERT INTO workflows (id, project_id, version_id)
    SELECT v.workflow_id, v.project_id, v.id FROM workflow_versions AS v
"""


@pytest.fixture(scope="module")
def many(postgres_url: str):
    """A connection to a database with many workflows."""
    with cloned_database(postgres_url) as url, connection_module.connect(url, autocommit=True) as connection:
        connection.execute(FILL, {"rows": ROWS})
        connection.execute(OF_VERSIONS)
        connection.execute("VACUUM (ANALYZE) workflows, workflow_versions")
        yield connection


def test_a_part_of_a_name_is_found_by_the_index(many) -> None:
    [rare] = list_workflows(many, WorkflowFilter(), limit=1, offset=ROWS // 2)
    wanted = WorkflowFilter(name=rare.name[-12:].upper())
    assert [each.id for each in list_workflows(many, wanted, limit=101)] == [rare.id]
    statement, parameters = list_statement(wanted, limit=101)
    explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + statement
    plan = orjson.loads(many.execute(explain, parameters).fetchone()[0])[0]["Plan"]
    assert "workflows_by_name" in orjson.dumps(plan).decode()
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 200, plan


def test_a_page_ends_early_where_workflows_are_large(many) -> None:
    with many.transaction(force_rollback=True):
        for wanted, size in (("w1", 348), ("w10", 398), ("w100", 2_000)):
            version = many.execute(
                "INSERT INTO workflow_versions (workflow_id, project_id, name, definition)"
                " VALUES (%s, 'default', 'Large', to_json(repeat('x', %s))) RETURNING id",
                [wanted, size],
            ).fetchone()
            many.execute("UPDATE workflows SET version_id = %s WHERE id = %s", [*version, wanted])
        many.execute("UPDATE workflows SET active = true, active_version_id = version_id WHERE id = 'w1'")
        many.execute(
            "INSERT INTO workflow_static_data (workflow_id, scope, data)"
            " VALUES ('w10', 'global', to_json(repeat('x', 298)))"
        )

        def page(after: str, limit: int = 2, most: int = 1_000) -> tuple[list[str], bool]:
            shown, more = list_page(many, WorkflowFilter(name="Large"), limit=limit, most_bytes=most, after=after)
            return [each.id for each in shown], more

        assert page("", most=1_399) == (["w1"], True)
        assert page("", most=1_400) == (["w1", "w10"], True), "350 for each version, 400, and 300 that were kept"
        assert page("w1") == (["w10"], True)
        assert page("w10") == (["w100"], False), "one alone, however large"
        assert page("w100") == ([], False)
        bare = list_workflows(many, WorkflowFilter(name="Large"), limit=9, with_definitions=False)
        assert [(each.id, each.definition) for each in bare] == [("w1", b"{}"), ("w10", b"{}"), ("w100", b"{}")]


def test_the_name_is_the_one_of_the_current_version(many) -> None:
    with many.transaction(force_rollback=True):
        version = many.execute(
            "INSERT INTO workflow_versions (workflow_id, project_id, name, definition)"
            " VALUES ('w7', 'default', 'Something else', '{}') RETURNING id"
        ).fetchone()
        many.execute("UPDATE workflows SET version_id = %s WHERE id = 'w7'", version)
        assert [each.id for each in list_workflows(many, WorkflowFilter(name="ething ELS"), limit=9)] == ["w7"]
