"""Variables in the database: one of a key for each project, and lists that read little."""

import threading

import pytest

from app.notation import new_id
from app.repository import projects, variables
from app.repository.connection import Connection
from app.repository.errors import AlreadyExists, Conflict, translate_errors
from app.repository.variables import VariableFilter
from tests.repository.plans import nodes, plan_of

pytestmark = pytest.mark.own_database

FILL = """
    INSERT INTO projects (id, name) SELECT 'p' || n, 'Project' FROM generate_series(1, 200) AS n;
    INSERT INTO variables (id, key, value, project_id)
    SELECT md5(n::text), 'k' || n, CASE WHEN n % 5000 = 0 THEN '' ELSE 'v' END, 'p' || 1 + n % 200
      FROM generate_series(1, 100000) AS n;
    INSERT INTO variables (id, key, value) SELECT 'c' || n, 'k' || n, 'common' FROM generate_series(1, 900) AS n;
    ANALYZE projects; ANALYZE variables;
"""


def add(connection: Connection, key: str, value: str = "", project_id: str | None = None) -> None:
    with translate_errors(), connection.transaction():
        variables.create_variable(connection, new_id(), key=key, value=value, project_id=project_id)


def test_a_projects_own_hide_common_ones_and_others_are_out_of_sight(connection) -> None:
    for project in ("a", "b"):
        projects.create_project(connection, project, project)
    add(connection, "region", "eu")
    add(connection, "zone", "1")
    add(connection, "region", "us", "a")
    add(connection, "secret", "b's", "b")
    assert variables.read_values(connection, "a") == {"region": "us", "zone": "1"}
    assert variables.read_values(connection, "default") == {"region": "eu", "zone": "1"}
    with pytest.raises(AlreadyExists):
        add(connection, "region")


def test_those_made_at_once_are_counted(connect, monkeypatch) -> None:
    monkeypatch.setattr(variables, "MAX_VARIABLES", 3)
    start = threading.Barrier(8)
    refused: list[str] = []

    def make(number: int) -> None:
        with connect() as own:
            start.wait()
            try:
                add(own, f"k{number}")
            except Conflict as error:
                refused.append(error.message)

    threads = [threading.Thread(target=make, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5


def test_lists_and_runs_read_little_of_many(connection) -> None:
    for statement in FILL.split(";\n"):
        connection.execute(statement)
    wanted = {
        "a key's": VariableFilter("p7"),
        "a project's": VariableFilter(project_id="p7"),
        "common": VariableFilter(common=True),
        "empty": VariableFilter(empty=True),
        "a key's empty": VariableFilter("p7", empty=True),
        "all": VariableFilter(),
    }
    for name, each in wanted.items():
        statement, parameters = variables.page_statement(each, limit=101, after="4")
        check(name, plan_of(connection, statement, parameters))
    values = plan_of(connection, variables.VALUES, {"project_id": "p7"})
    check("values", values)


def check(name: str, plan: dict) -> None:
    assert not any(node["Node Type"] == "Seq Scan" and node["Relation Name"] == "variables" for node in nodes(plan)), (
        name,
        plan,
    )
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 2_000, (name, plan)
