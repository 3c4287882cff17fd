"""Lists of workflows: found by an index, whatever their number."""

import orjson
import pytest
from psycopg import sql

from app.repository import connection as connection_module
from app.repository.workflow_lists import WorkflowFilter, list_places, list_statement, list_workflows, places_statement
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


def test_places_in_a_list_are_found_without_the_documents(many) -> None:
    with many.transaction(force_rollback=True):
        for wanted in ("w1", "w10", "w100"):
            version = many.execute(
                "INSERT INTO workflow_versions (workflow_id, project_id, name, definition)"
                " SELECT %s, 'default', 'Large', to_json(string_agg(md5(n::text), ''))"
                " FROM generate_series(1, 100000) AS n RETURNING id",
                [wanted],
            ).fetchone()
            many.execute("UPDATE workflows SET version_id = %s WHERE id = %s", [*version, wanted])
        many.execute("UPDATE workflows SET active = true, active_version_id = version_id WHERE id = 'w1'")
        many.execute(
            "INSERT INTO workflow_static_data (workflow_id, scope, data)"
            " VALUES ('w10', 'global', to_json(repeat('x', 298)))"
        )
        large = WorkflowFilter(name="Large")
        first, second, third = list_places(many, large, limit=9)
        assert [first.id, second.id, third.id] == ["w1", "w10", "w100"]
        assert third.stored > 1_000_000
        assert [first.stored, second.stored] == [2 * third.stored, third.stored + 304], "published, and kept"
        assert list_places(many, large, limit=1, offset=1) == [second]
        statement, parameters = places_statement(large, limit=2, offset=1)
        explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + statement
        plan = orjson.loads(many.execute(explain, parameters).fetchone()[0])[0]["Plan"]
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 100, plan
        bare = list_workflows(many, large, limit=9, with_definitions=False)
        assert [(each.id, each.definition) for each in bare] == [("w1", b"{}"), ("w10", b"{}"), ("w100", b"{}")]


def test_the_name_is_the_one_of_the_current_version(many) -> None:
    with many.transaction(force_rollback=True):
        version = many.execute(
            "INSERT INTO workflow_versions (workflow_id, project_id, name, definition)"
            " VALUES ('w7', 'default', 'Something else', '{}') RETURNING id"
        ).fetchone()
        many.execute("UPDATE workflows SET version_id = %s WHERE id = 'w7'", version)
        assert [each.id for each in list_workflows(many, WorkflowFilter(name="ething ELS"), limit=9)] == ["w7"]
