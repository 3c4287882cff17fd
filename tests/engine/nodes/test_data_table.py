"""The Data Table node does with a project's tables what n8n did; cases recorded from a real n8n 2.40.7."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.engine.run.ports import Ports
from app.repository import projects
from app.repository.connection import connect, open_pool
from app.worker.data_tables import DataTableStores
from app.worker.database import Database
from tests.conformance.test_conformance import seen
from tests.engine.running import Engine, output_of
from tests.postgres import cloned_database
from tests.workflows import START, chain, code, node

CASES = sorted((Path(__file__).parents[2] / "conformance" / "recorded_data_tables").glob("*.json"))
ROOM = 2**20
BETTER = {
    # An item that fails tells why, and the others are there all the same: see docs/differences.md.
    "dataTable-insert-bad-boolean-continue",
    "dataTable-insert-bad-date-continue",
    "dataTable-insert-bad-number-continue",
    "dataTable-insert-bad-unknown-continue",
    "dataTable-define-expr-continue",
    "dataTable-update-continue",
    "dataTable-get-continue",
    "dataTable-get-erroroutput",
    "dataTable-table-continue",
}


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[Database]:
    with cloned_database(postgres_url) as url, ThreadPoolExecutor(2) as threads:
        with connect(url) as connection:
            projects.create_project(connection, "other", "Other")
        pool = open_pool(url, size=2, name="data tables")
        yield Database(pool, threads)
        pool.close()


def run(engine: Engine, database: Database, workflow: dict[str, Any], *, project: str = "default", room: int = ROOM):
    ports = Ports(data_tables=DataTableStores(database, room).of_project(project))
    return engine.run(workflow, mode="test", start_node="Start", ports=ports)


def known(value: Any, key: str = "") -> Any:
    """A value without what is another each time: ids of tables and columns, times of now, the project."""
    if key == "project":
        return {}
    if key in ("createdAt", "updatedAt", "projectId", "dataTableId") or (key == "id" and isinstance(value, str)):
        return value and key
    if isinstance(value, dict):
        return {name: known(entry, name) for name, entry in value.items()}
    return [known(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_case(path: Path, engine: Engine, database: Database) -> None:
    case = json.loads(path.read_text())
    outcome = run(engine, database, case["workflow"])
    expected = case["expected"]
    if expected["error"] is not None:
        expected["error"] = {key: expected["error"][key] for key in ("message", "node")}
    got = json.loads(json.dumps(seen(outcome.data, outcome.status)))

    if path.stem in BETTER:
        assert got["status"] == "success"
    else:
        assert known(got) == known(expected)


def rows_of(number: int) -> dict[str, Any]:
    return code(f"return Array.from({{ length: {number} }}, (_, n) => ({{ json: {{ n }} }}))", "Rows")


def named(table: str, operation: str, **parameters: Any) -> dict[str, Any]:
    located = {"__rl": True, "mode": "name", "value": table}
    auto = {"mappingMode": "autoMapInputData"}
    return {"operation": operation, "dataTableId": located, "columns": auto, "options": {}, **parameters}


def create(table: str, *columns: tuple[str, str]) -> dict[str, Any]:
    entries = {"column": [{"name": name, "type": kind} for name, kind in columns]}
    return node(
        "Create", "dataTable", {"resource": "table", "operation": "create", "tableName": table, "columns": entries}, 1.1
    )


def test_many_rows_are_read_page_by_page(engine: Engine, database: Database) -> None:
    table = "many"
    insert = node("Insert", "dataTable", named(table, "insert", options={"optimizeBulk": True}), 1.1)
    sorting = {"orderBy": True, "orderByColumn": "n", "orderByDirection": "DESC"}
    get = node("Get", "dataTable", named(table, "get", returnAll=True, **sorting), 1.1)
    outcome = run(engine, database, chain(START, create(table, ("n", "number")), rows_of(2_500), insert, get))
    assert outcome.status == "success", outcome.error
    assert output_of(outcome, "Insert") == [{"success": True, "insertedRows": 2_500}]
    assert [row["n"] for row in output_of(outcome, "Get")] == list(range(2_499, -1, -1))


def test_a_project_reaches_no_table_of_another(engine: Engine, database: Database) -> None:
    made = run(engine, database, chain(START, create("mine", ("n", "number"))))
    [table] = output_of(made, "Create")
    for locator in ({"mode": "id", "value": table["id"]}, {"mode": "name", "value": "mine"}):
        for operation in ("get", "insert", "deleteRows"):
            conditions = {"conditions": [{"keyName": "id", "condition": "gt", "keyValue": "0"}]}
            parameters = {**named("mine", operation, filters=conditions), "dataTableId": {"__rl": True, **locator}}
            outcome = run(engine, database, chain(START, node("Ask", "dataTable", parameters, 1.1)), project="other")
            assert outcome.error is not None
            assert "not found" in outcome.error.message or "could not be found" in outcome.error.message
    listing = node("List", "dataTable", {"resource": "table", "operation": "list"}, 1.1)
    assert output_of(run(engine, database, chain(START, listing), project="other"), "List") == []


def test_a_project_has_a_most(engine: Engine, database: Database) -> None:
    insert = node("Insert", "dataTable", named("full", "insert"), 1.1)
    workflow = chain(START, create("full", ("n", "number")), rows_of(500), insert)
    outcome = run(engine, database, workflow, project="other", room=10_000)
    assert outcome.error is not None
    assert "EXECUTIONS_DATA_TABLES_BYTES" in outcome.error.message


def test_a_date_without_an_offset_is_in_the_workflows_time_zone(engine: Engine, database: Database) -> None:
    rows = code("return [{ json: { d: '2024-02-19 10:30' } }]", "Rows")
    insert = node("Insert", "dataTable", named("zoned", "insert"), 1.1)
    workflow = chain(START, create("zoned", ("d", "date")), rows, insert, settings={"timezone": "America/New_York"})
    assert output_of(run(engine, database, workflow), "Insert")[0]["d"] == "2024-02-19T15:30:00.000Z"


def test_dates_are_read_as_people_write_them(engine: Engine, database: Database) -> None:
    """All but the last two, which n8n takes for 1 May 2001 and for 1 March."""
    written = ["2024-03", "2024", "March 5, 2024", "5 March 2024", "2024-065", "03/05/2024", "2024-03-05 10:00:00.123"]
    rows = code(f"return {[{'json': {'d': each}} for each in [*written, '5', '2024-02-30']]}", "Rows")
    by_item = named("={{ 'written' }}", "insert")
    added = node("Insert", "dataTable", by_item, 1.1, onError="continueRegularOutput")
    workflow = chain(START, create("written", ("d", "date")), rows, added, settings={"timezone": "UTC"})
    *read, five, none = output_of(run(engine, database, workflow), "Insert")
    days = ["2024-03-01", "2024-01-01", *["2024-03-05"] * 4]
    assert [row["d"] for row in read] == [*(f"{day}T00:00:00.000Z" for day in days), "2024-03-05T10:00:00.123Z"]
    assert "expects a dateTime but we got '5'" in five["error"]
    assert "expects a dateTime but we got '2024-02-30'" in none["error"]
