"""Data tables over HTTP, and their columns: n8n's shapes."""

import json
from urllib.parse import quote

import pytest

from app.data_tables import tables
from app.repository import data_table_rows
from app.schemas.cursors import Cursor, encode_cursor
from tests.api.data_tables.asking import COLUMNS, add, filtered, ids, names


def test_a_tables_life(api) -> None:
    made = api.post("/data-tables", {"name": " Things ", "columns": COLUMNS})
    assert made.status_code == 201
    assert list(made.json) == ["id", "name", "projectId", "columns", "createdAt", "updatedAt", "sizeBytes"]
    assert (made.json["name"], made.json["projectId"], made.json["sizeBytes"]) == ("Things", "default", 0)
    path = f"/data-tables/{made.json['id']}"
    assert api.get(path).json == made.json
    assert [column["name"] for column in made.json["columns"]] == ["s", "n", "b", "d"]
    assert api.post("/data-tables", {"name": "Things", "columns": []}).status_code == 409
    other = api.post("/data-tables", {"name": "Other", "columns": []}).json
    assert api.patch(f"/data-tables/{other['id']}", {"name": "Things"}).status_code == 409
    assert api.patch(path, {"name": "New"}).json["name"] == "New"
    add(api, made.json["id"], {"s": "x" * 1_000})
    assert 1_000 < api.get(path).json["sizeBytes"] < 1_100
    assert api.delete(path).status_code == 204
    for method in ("GET", "DELETE"):
        assert api.call(method, f"/api/v1{path}").json == {"message": "Data table not found"}
    assert api.db.execute("SELECT count(*) FROM data_table_rows").fetchone()[0] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "columns": []},
        {"name": " ", "columns": []},
        {"name": "x" * 129, "columns": []},
        {"name": "a\nb", "columns": []},
        {"name": "x"},
        {"name": "x", "columns": [{"name": "a b", "type": "string"}]},
        {"name": "x", "columns": [{"name": "1a", "type": "string"}]},
        {"name": "x", "columns": [{"name": "a" * 64, "type": "string"}]},
        {"name": "x", "columns": [{"name": "ID", "type": "string"}]},
        {"name": "x", "columns": [{"name": "createdAt", "type": "string"}]},
        {"name": "x", "columns": [{"name": "a", "type": "json"}]},
        {"name": "x", "columns": [{"name": "a", "type": "string"}, {"name": "a", "type": "date"}]},
        {"name": "x", "columns": [5]},
        {"name": "x", "columns": [{"name": f"c{number}", "type": "string"} for number in range(201)]},
    ],
)
def test_what_is_no_table_is_refused(api, body) -> None:
    assert api.post("/data-tables", body).status_code == 400
    assert api.get("/data-tables").json["data"] == []


def test_columns_are_added_moved_renamed_and_deleted(api, table) -> None:
    add(api, table, {"s": "kept", "n": 1})
    path = f"/data-tables/{table}/columns"
    made = api.post(path, {"name": "extra", "type": "string", "index": 1})
    assert made.status_code == 201
    assert made.json["dataTableId"] == table
    assert names(api, table) == ["s", "extra", "n", "b", "d"]
    own = f"{path}/{made.json['id']}"
    assert api.patch(own, {"index": 3}).json["index"] == 3
    assert names(api, table) == ["s", "n", "b", "extra", "d"]
    assert api.patch(own, {"name": "more", "index": 0}).json["name"] == "more"
    assert names(api, table) == ["more", "s", "n", "b", "d"]
    api.patch(f"/data-tables/{table}/rows/update", {"filter": filtered(("id", "eq", 1)), "data": {"more": "m"}})
    for body, status in (({"name": "s"}, 409), ({"name": "updatedAt"}, 409), ({}, 400), ({"index": 5}, 400)):
        assert api.patch(own, body).status_code == status, body
    assert api.post(path, {"name": "dryRunState", "type": "string"}).status_code == 409
    assert api.post(path, {"name": "last", "type": "string", "index": 99}).json["index"] == 5
    assert (api.delete(own).status_code, api.delete(own).status_code) == (204, 404)
    assert names(api, table) == ["s", "n", "b", "d", "last"]
    assert api.post(path, {"name": "more", "type": "number"}).status_code == 201
    [row] = api.get(f"/data-tables/{table}/rows").json["data"]
    assert (row["s"], row["n"], row["more"]) == ("kept", 1, None)
    assert made.json["id"] not in str(api.db.execute("SELECT cells FROM data_table_rows").fetchall())


def test_tables_are_listed_by_name_and_in_order(api) -> None:
    api.project("a")
    made = [
        api.post("/data-tables", {"name": name, "columns": [], "projectId": project}).json
        for name, project in (("Beta", "default"), ("alpha", "a"), ("Gamma_1", "default"), ("Gammax1", "default"))
    ]

    def listed(query: str = "") -> list[str]:
        answer = api.get(f"/data-tables?{query}")
        assert answer.status_code == 200, answer.json
        return [entry["name"] for entry in answer.json["data"]]

    assert sorted(listed()) == ["Beta", "Gamma_1", "Gammax1", "alpha"]
    assert listed("sortBy=name:asc") == ["alpha", "Beta", "Gamma_1", "Gammax1"]
    assert listed("sortBy=createdAt:desc") == ["Gammax1", "Gamma_1", "alpha", "Beta"]
    assert listed(f"filter={quote(json.dumps({'name': 'GAMMA_'}))}") == ["Gamma_1"]
    assert listed(f"filter={quote(json.dumps({'projectId': 'a'}))}") == ["alpha"]
    assert listed(f"filter={quote(json.dumps({'id': [made[0]['id'], 'no']}))}") == ["Beta"]
    for order in ("name:desc", "updatedAt:asc", "size:desc"):
        seen: list[str] = []
        query = f"limit=1&sortBy={order}"
        while query:
            page = api.get(f"/data-tables?{query}").json
            seen += [entry["name"] for entry in page["data"]]
            query = page["nextCursor"] and f"cursor={page['nextCursor']}"
        assert seen == listed(f"sortBy={order}")
    for wrong in ('{"nme": "x"}', '{"name": 5}', '{"projectId": ["a", "b"]}'):
        assert api.get(f"/data-tables?filter={quote(wrong)}").status_code == 400
    assert api.get("/data-tables?sortBy=rows:asc").status_code == 400


def test_the_tables_of_a_project_have_a_most(make_app, connect) -> None:
    from tests.api.conftest import Api

    api = Api(make_app(EXECUTIONS_DATA_TABLES_BYTES="1000").test_client(), connect()).with_key("k", "*")
    table = api.post("/data-tables", {"name": "Things", "columns": COLUMNS}).json["id"]
    assert api.post(f"/data-tables/{table}/rows", {"data": [{"s": "x" * 900}]}).status_code == 200
    full = api.post(f"/data-tables/{table}/rows", {"data": [{"s": "x" * 900}]})
    assert full.status_code == 400
    assert "EXECUTIONS_DATA_TABLES_BYTES" in full.json["message"]
    wanted = filtered(("id", "eq", 1))
    grown = api.patch(
        f"/data-tables/{table}/rows/update", {"filter": wanted, "data": {"d": "2024-02-19", "s": "y" * 990}}
    )
    assert grown.status_code == 400
    assert ids(api, table) == [1]


def test_rows_that_take_too_much_are_refused_before_they_are_written(make_app, connect, monkeypatch) -> None:
    from tests.api.conftest import Api

    api = Api(make_app(EXECUTIONS_DATA_TABLES_BYTES="1000").test_client(), connect()).with_key("k", "*")
    table = api.post("/data-tables", {"name": "Things", "columns": COLUMNS}).json["id"]
    add(api, table, {"n": 1}, {"n": 1}, {"n": 1})
    change = {"filter": filtered(("n", "eq", 1)), "returnData": True}
    monkeypatch.setattr(data_table_rows, "update_rows", None)
    large = api.patch(f"/data-tables/{table}/rows/update", {**change, "data": {"s": "x" * 400}})
    assert (large.status_code, "EXECUTIONS_DATA_TABLES_BYTES" in large.json["message"]) == (400, True)
    monkeypatch.setattr(tables, "MAX_CELLS_RETURNED", 2 * len(COLUMNS))
    many = api.patch(f"/data-tables/{table}/rows/update", {**change, "data": {"s": "x"}})
    assert (many.status_code, "More than 2 rows are meant" in many.json["message"]) == (400, True)


@pytest.mark.parametrize("place", ["[true,true]", '["a",true]', '["a",1.5]', '["a","b"]', '["a",null]'])
def test_a_cursor_by_size_names_a_size(api, place) -> None:
    cursor = encode_cursor(Cursor(place, 10, {"sortBy": "size:asc"}))
    answer = api.get(f"/data-tables?cursor={cursor}")
    assert (answer.status_code, answer.json) == (400, {"message": "An invalid cursor was provided"})
