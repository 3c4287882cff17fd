"""The Postgres node does with a database what n8n did; cases recorded against the tables of shop.sql."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.engine.nodes.postgres import sql_text
from tests.conformance.test_conformance import seen
from tests.engine.nodes.shop import SHOP, query, run
from tests.engine.running import Engine
from tests.workflows import START, chain, node

CASES = sorted((Path(__file__).parents[2] / "conformance" / "recorded_postgres").glob("*.json"))


def comparable(value: Any) -> Any:
    """Without the documents of errors inside items, which tell the time."""
    if isinstance(value, dict):
        return {
            key: comparable(entry) for key, entry in value.items() if not (key == "error" and "level" in str(entry))
        }
    return [comparable(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_case(path: Path, engine: Engine, shop) -> None:
    url, held = shop
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SHOP)
    case = json.loads(path.read_text())
    outcome = run(engine, case["workflow"], held)
    expected = case["expected"]
    if expected["error"] is not None:
        expected["error"] = {key: expected["error"][key] for key in ("message", "node")}
    got = json.loads(json.dumps(seen(outcome.data, outcome.status)))
    assert comparable(got) == comparable(expected)


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE items; --", "\\'; DROP TABLE items; --", "\\", "''", "$$", "a\nb", "é\u2028"]
)
def test_a_parameter_stays_a_value(engine: Engine, shop, value: str) -> None:
    url, held = shop
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SHOP)
        for settings in ("on", "off"):
            connection.execute(f'ALTER DATABASE "{held["database"]}" SET standard_conforming_strings = {settings}')
            workflow = query(
                "SELECT $1 AS v, (SELECT count(*)::int FROM items) AS n",
                queryReplacement=f"={{{{ [{json.dumps(value)}] }}}}",
            )
            outcome = run(engine, workflow, held)
            [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
            assert item["json"] == {"v": value, "n": 3}


def test_the_texts_of_queries_are_counted(engine: Engine, shop) -> None:
    asked = query("={{ 'SELECT 1 --' + 'x'.repeat(1_000_000) }}")
    assert run(engine, asked, shop[1], limit=4_000_000).status == "success"
    outcome = run(engine, asked, shop[1], limit=1_800_000)
    assert "EXECUTIONS_RUN_BYTES" in outcome.error.message


def test_shapes_intervals_and_dates_keep_their_numbers(engine: Engine, shop) -> None:
    asked = query(
        "SELECT point '(NaN,1)' AS p, circle '<(1.5,-2),Infinity>' AS c, interval '-0.789012 s' AS i,"
        " '0001-01-01 BC'::date AS d, '0044-03-15 10:00 BC'::timestamp AS b"
    )
    [item] = run(engine, asked, shop[1]).data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["json"] == {
        "p": {"x": None, "y": 1},
        "c": {"x": 1.5, "y": -2, "radius": None},
        "i": {"milliseconds": -789.012},
        "d": "0000-01-01T00:00:00.000Z",
        "b": "-000043-03-15T10:00:00.000Z",
    }


def test_lists_are_written_to_arrays_of_any_type(engine: Engine, shop) -> None:
    url, held = shop
    row = {
        "u": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None],
        "j": [{"a": "it's \\"}, None, "[1]", [2]],
        "t": ["a", None, 'q"\\{x}', "NULL"],
        "i": [[1, 2], [3, None]],
        "n": "[1.5, null]",
        "r": "{empty}",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS lists")
        connection.execute("CREATE TABLE lists (u uuid[], j jsonb[], t text[], i int[], n numeric[], r int4range[])")
    columns = {"mappingMode": "autoMapInputData", "value": None}
    parameters = {"operation": "insert", "schema": "public", "table": "lists", "columns": columns}
    workflow = chain(START, node("Ask", "postgres", parameters, 2.6, credentials={"postgres": {"id": "c1"}}))
    outcome = run(engine, {**workflow, "pinData": {"Start": [{"json": row}]}}, held)
    [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["json"] == {**row, "j": [{"a": "it's \\"}, None, [1], [2]], "n": [1.5, None]}


@pytest.mark.parametrize(
    ("value", "raw", "quoted"),
    [
        ({"a": "it's"}, """{"a":"it's"}""", """{"a":"it''s"}"""),
        (["a", None], "array['a',null]", "array[''a'',null]"),
        (True, "true", "true"),
        (-1.5, "(-1.5)", "(-1.5)"),
        ("it's", "it's", "it''s"),
    ],
)
def test_a_value_that_is_part_of_the_query_is_written_as_sql(value: Any, raw: str, quoted: str) -> None:
    assert sql_text.fill_places("$1:raw $1^ $1:value $1#", [value]) == f"{raw} {raw} {quoted} {quoted}"


@pytest.mark.parametrize(
    ("how", "value", "said"),
    [
        ("raw", "null", "Values null/undefined cannot be used as raw text."),
        ("value", "null", "Open values cannot be null or undefined."),
        ("name", "null", "Invalid sql name: null"),
        ("name", "['a', true]", "Invalid sql name: true"),
        ("name", "''", 'Invalid sql name: ""'),
        ("name", "{}", "Cannot retrieve sql names from an empty array/object."),
        ("alias", "['a']", 'Invalid sql alias: ["a"]'),
    ],
)
def test_what_cannot_be_a_part_of_the_query_is_refused(engine: Engine, shop, how: str, value: str, said: str) -> None:
    outcome = run(engine, query(f"SELECT '$1:{how}'", queryReplacement=f"={{{{ [{value}] }}}}"), shop[1])
    assert outcome.error.message == said


@pytest.mark.parametrize(
    ("value", "name", "alias"),
    [
        ("a_1$", '"a_1$"', "a_1$"),
        ("ABC", '"ABC"', "ABC"),
        ("aB", '"aB"', '"aB"'),
        ("$a", '"$a"', '"$a"'),
        ('.a..b "c', '".a..b ""c"', 'a."b ""c"'),
        ("*", "*", '"*"'),
    ],
)
def test_an_alias_is_quoted_in_parts_and_where_it_has_to_be(value: str, name: str, alias: str) -> None:
    assert sql_text.fill_places("$1:name $1~ $1:alias", [value]) == f"{name} {name} {alias}"


def test_names_are_those_of_a_list_or_of_an_objects_fields() -> None:
    assert sql_text.fill_places("$1:name $2:name", [["a", "*"], {"b": 1, "c": 2}]) == '"a","*" "b","c"'


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"where": {"values": [{"column": "={{ null }}", "value": "1"}]}}, "Invalid sql name: null"),
        ({"where": {"values": [{"column": "id", "condition": "={{ null }}"}]}}, "The condition null is not known"),
        ({"sort": {"values": [{"column": ""}]}}, 'Invalid sql name: ""'),
        ({"options": {"outputColumns": "={{ ['id', 1] }}"}}, "Invalid sql name: 1"),
        ({"options": {"outputColumns": []}}, "Cannot retrieve sql names from an empty array/object."),
        ({"table": "={{ null }}"}, 'Invalid sql name: ""'),
        ({"returnAll": False, "limit": "={{ 'x' }}"}, "Failed to parse value to number"),
    ],
)
def test_what_no_selection_can_be_made_of_is_told(engine: Engine, shop, changed: dict[str, Any], said: str) -> None:
    asked = {"operation": "select", "schema": "public", "table": "items", "returnAll": True, "options": {}}
    asks = node("Ask", "postgres", {**asked, **changed}, 2.6, credentials={"postgres": {"id": "c1"}})
    outcome = run(engine, chain(START, asks), shop[1])
    assert outcome.error.message == said


def test_json_as_a_text_has_no_spaces() -> None:
    assert sql_text.fill_places("$1 $1:json", [{"a": [1, "é"]}]) == """'{"a":[1,"é"]}' '{"a":[1,"é"]}'"""


def test_a_name_stays_a_name() -> None:
    assert sql_text.fill_places("SELECT $1:name", ['a"; DROP TABLE items; --']) == 'SELECT "a""; DROP TABLE items; --"'


def test_what_json_cannot_hold_stays_text(engine: Engine, shop) -> None:
    _, held = shop
    values = (
        "'-infinity'::date AS past, array['infinity'::timestamptz] AS never, array['{}', '{\"a\"}']::text[] AS braces"
    )
    far = "'275760-09-13'::date AS last, '275760-09-13 00:00:01'::timestamp AS beyond, '294276-12-31'::date AS far"
    outcome = run(engine, query(f"SELECT {values}, {far}"), held)
    [item] = outcome.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0]
    assert item["json"] == {
        "past": "-infinity",
        "never": ["infinity"],
        "braces": ["{}", '{"a"}'],
        "last": "+275760-09-13T00:00:00.000Z",
        "beyond": "275760-09-13 00:00:01",
        "far": "294276-12-31",
    }


@pytest.mark.parametrize("text", ["SELECT {}", "SELECT 1; SELECT {}; SELECT 2"])
def test_more_rows_than_a_run_may_hold_are_not_fetched(engine: Engine, shop, text: str) -> None:
    _, held = shop
    rows = "n, repeat('x', 100) FROM generate_series(1, 20000000) AS n"
    outcome = run(engine, query(text.format(rows)), held, limit=2 * 2**20)
    assert outcome.error is not None
    assert "2 MiB" in outcome.error.message
    few = run(engine, query(text.format("1 AS n")), held, limit=2 * 2**20)
    assert few.status == "success"


def test_a_row_that_is_not_there_fails_its_own_item_only(engine: Engine, shop) -> None:
    url, held = shop
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SHOP)
    columns = {"value": {"name": "={{ $json.name }}", "small": 1}, "matchingColumns": ["name"]}
    options = {"queryBatching": "independently", "outputColumns": ["name"]}
    parameters = {"operation": "update", "table": {"value": "items"}, "columns": columns, "options": options}
    settings = {"credentials": {"postgres": {"id": "c1"}}, "onError": "continueRegularOutput"}
    pinned = {"Start": [{"json": {"name": name}} for name in ("apple", "plum", "fig")]}
    outcome = run(engine, chain(START, node("Out", "postgres", parameters, 2.6, **settings), pinData=pinned), held)
    one, missing, two = outcome.data["resultData"]["runData"]["Out"][0]["data"]["main"][0]
    assert (one["json"], two["json"], missing["pairedItem"]) == ({"name": "apple"}, {"name": "fig"}, {"item": 1})
    assert "(name=plum)" in missing["json"]["error"]["description"]


def test_rows_that_are_skipped_and_texts_that_are_empty(engine: Engine, shop) -> None:
    url, held = shop
    table = {"schema": {"mode": "list", "value": "public"}, "table": {"mode": "list", "value": "empty_texts"}}

    def insert(columns: dict[str, Any], **options: Any) -> Any:
        parameters = {"operation": "insert", **table, "columns": columns, "options": options}
        asks = node("Ask", "postgres", parameters, 2.6, credentials={"postgres": {"id": "c1"}})
        document = chain(START, asks, pinData={"Start": [{"json": {"id": 1, "name": ""}}]})
        (run_of_node,) = run(engine, document, held).data["resultData"]["runData"]["Ask"]
        return [(item["json"], item["pairedItem"]) for item in run_of_node["data"]["main"][0]]

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE empty_texts (id int PRIMARY KEY, name text)")
    from_item = {"mappingMode": "autoMapInputData", "value": None}
    in_node = {"mappingMode": "defineBelow", "value": {"id": 2, "name": ""}}
    assert insert(from_item, replaceEmptyStrings=True)[0][0] == {"id": 1, "name": None}
    assert insert(in_node, replaceEmptyStrings=True)[0][0] == {"id": 2, "name": ""}
    assert insert(from_item, skipOnConflict=True) == [({"success": True}, [{"item": 0}])]
