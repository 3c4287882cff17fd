"""The SQL mode of Merge: what a query may not reach, and where its rows have come from."""

from typing import Any

import pytest

from app.engine.nodes.merge import sql
from tests.engine.running import Engine, output_of
from tests.workflows import START, code, node, workflow

Json = dict[str, Any]


def ask(engine: Engine, query: str, first: list[Json] | None = None, second: list[Json] | None = None) -> Any:
    rows = [first or [{"id": 1}, {"id": 2}], second or [{"id": 2, "city": "Oslo"}]]
    sources = [code(f"return {given}", f"Input {number}") for number, given in enumerate(rows)]
    merge = node("Merge", "merge", {"mode": "combineBySql", "query": query}, 3.2)
    lines = [("Start", "Input 0"), ("Start", "Input 1"), ("Input 0", "Merge"), ("Input 1", 0, "Merge", 1)]
    return engine.run(workflow([START, *sources, merge], *lines))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM CSV('http://127.0.0.1:1/x.csv')",
        "SELECT * FROM TXT('/etc/passwd')",
        "SELECT * FROM FILE('/etc/passwd')",
        "SELECT * FROM XLSX('/etc/passwd')",
        "SELECT * INTO CSV('/tmp/x.csv') FROM input1",
        "SELECT * INTO JSON('/tmp/x.json') FROM input1",
        "ATTACH FILESTORAGE DATABASE x('/tmp/x.json')",
        "CREATE LOCALSTORAGE DATABASE x",
        "REQUIRE 'fs'",
        "SOURCE '/etc/passwd'",
        "SELECT ``process.pid`` AS x",
        "SELECT ``require('fs')`` AS x",
        "SELECT ``this.constructor.constructor('return process')()`` AS x",
        "SELECT ``alasql.constructor('return 1')()`` AS x",
        "SELECT ``$makeFunction('return process.pid')()`` AS x",
    ],
)
def test_a_query_reaches_its_tables_only(engine: Engine, query: str) -> None:
    outcome = ask(engine, query)
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.node) == ("Issue while executing query", "Merge")


def test_what_a_query_would_import_stays_away(engine: Engine) -> None:
    # A promise that comes to nothing: JSON has nothing of it.
    assert output_of(ask(engine, "SELECT ``import('node:fs')`` AS x"), "Merge") == [{"x": {}}]


def test_a_program_of_the_workflow_makes_no_function_of_a_text(engine: Engine) -> None:
    outcome = engine.run(workflow([START, code("return $makeFunction('return [{}]')()")], ("Start", "Code")))
    assert outcome.error is not None
    assert outcome.error.message.startswith("Code generation from strings is disallowed")


def test_a_query_leaves_nothing_for_the_next_one(engine: Engine) -> None:
    ask(engine, "CREATE TABLE kept (a INT); INSERT INTO kept VALUES (1); SELECT * FROM kept")
    assert ask(engine, "SELECT * FROM kept").status == "error"


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("SELECT id FROM input1", [[{"item": 0}], [{"item": 1}]]),
        ("SELECT city FROM input2", [[{"item": 0, "input": 1}]]),
        (
            "SELECT input1.id, city FROM input1 JOIN input2 ON input1.id = input2.id",
            [[{"item": 1}, {"item": 0, "input": 1}]],
        ),
        (
            "SELECT input1.*, city FROM input1 JOIN input2 ON input1.id = input2.id",
            [[{"item": 1}, {"item": 0, "input": 1}]],
        ),
        ("SELECT COUNT(*) AS c FROM input1", [[]]),
        ("SELECT x.city FROM input2 x", [[{"item": 0, "input": 0}, {"item": 1, "input": 0}, {"item": 0, "input": 1}]]),
    ],
)
def test_rows_know_where_they_have_come_from(engine: Engine, query: str, places: list[Any]) -> None:
    [run] = ask(engine, query).data["resultData"]["runData"]["Merge"]
    assert [item["pairedItem"] for item in run["data"]["main"][0]] == places
    assert all("pairedItem" not in item["json"] for item in run["data"]["main"][0])


def test_rows_that_would_have_come_from_everywhere_are_not_paired(engine: Engine, monkeypatch: Any) -> None:
    monkeypatch.setattr(sql, "MAX_PLACES", 2)
    outcome = ask(engine, "SELECT x.city FROM input2 x")
    assert output_of(outcome, "Merge") == [{"city": "Oslo"}]
    [run] = outcome.data["resultData"]["runData"]["Merge"]
    assert "pairedItem" not in run["data"]["main"][0][0]
