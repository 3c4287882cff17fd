"""Data tables over HTTP: n8n's shapes, its conversions of values, and lists that go on where they were."""

import json
from typing import Any
from urllib.parse import quote

import pytest

COLUMNS = [{"name": name, "type": kind} for name, kind in (("s", "string"), ("n", "number"), ("b", "boolean"))]
COLUMNS.append({"name": "d", "type": "date"})


@pytest.fixture
def table(api) -> str:
    return api.post("/data-tables", {"name": "Things", "columns": COLUMNS}).json["id"]


def filtered(*conditions: tuple[Any, ...], kind: str = "and") -> dict[str, Any]:
    names = ("columnName", "condition", "value")
    return {"type": kind, "filters": [dict(zip(names, condition, strict=True)) for condition in conditions]}


def add(api, table: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.post(f"/data-tables/{table}/rows", {"data": list(rows), "returnType": "all"})
    assert answer.status_code == 200, answer.json
    return answer.json


def ids(api, table: str, query: str = "", **filters: Any) -> list[int]:
    for name, value in filters.items():
        query += f"&{name}={quote(json.dumps(value) if isinstance(value, dict) else value)}"
    answer = api.get(f"/data-tables/{table}/rows?limit=200{query}")
    assert answer.status_code == 200, answer.json
    return [row["id"] for row in answer.json["data"]]


def names(api, table: str) -> list[str]:
    columns = api.get(f"/data-tables/{table}/columns").json
    assert [column["index"] for column in columns] == list(range(len(columns)))
    return [column["name"] for column in columns]


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


def test_rows_are_added_and_answered_as_asked(api, table) -> None:
    path = f"/data-tables/{table}/rows"
    assert api.post(path, {"data": [{"s": "a"}, {}]}).json == {"success": True, "insertedRows": 2}
    assert api.post(path, {"data": [{"s": "b"}], "returnType": "id"}).json == [{"id": 3}]
    [row] = add(api, table, {"s": "c"})
    assert list(row) == ["s", "n", "b", "d", "id", "createdAt", "updatedAt"]
    assert row | {"createdAt": "", "updatedAt": ""} == {
        "s": "c",
        "n": None,
        "b": None,
        "d": None,
        "id": 4,
        "createdAt": "",
        "updatedAt": "",
    }
    for body in ({"data": []}, {"data": [1]}, {"data": {"s": 1}}, {"data": [{"s": "a"}], "returnType": "x"}):
        assert api.post(path, body).status_code == 400
    assert ids(api, table) == [1, 2, 3, 4]


# What a real n8n 2.40.7 made of each value, None where it refused it.
@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("s", 5, "5"),
        ("s", 1.5, "1.5"),
        ("s", True, "true"),
        ("s", "", ""),
        ("n", "2", 2),
        ("n", "", 0),
        ("n", " 7 ", 7),
        ("n", "1e3", 1000),
        ("n", "0x1f", 31),
        ("n", True, 1),
        ("n", "abc", None),
        ("n", "1_0", None),
        ("b", "false", False),
        ("b", "TRUE", True),
        ("b", 1, True),
        ("b", 2, None),
        ("b", "yes", None),
        ("d", "2024-02-19T10:30:00+02:00", "2024-02-19T08:30:00.000Z"),
        ("d", "2024-02-19", "2024-02-19T00:00:00.000Z"),
        ("d", "2024-02-19T10:30", "2024-02-19T10:30:00.000Z"),
        ("d", "Mon, 19 Feb 2024 10:30:00 GMT", "2024-02-19T10:30:00.000Z"),
        ("d", "nope", None),
        ("d", "", None),
        ("d", 1708338600000, None),
        ("d", True, None),
        ("s", {"a": 1}, None),
        ("s", [1], None),
        ("zz", 1, None),
        ("id", 7, None),
        ("s", "a\x00b", None),
    ],
)
def test_values_become_what_their_column_holds(api, table, column, value, kept) -> None:
    answer = api.post(f"/data-tables/{table}/rows", {"data": [{column: value}], "returnType": "all"})
    if kept is None:
        assert answer.status_code == 400
        assert ids(api, table) == []
    else:
        assert answer.json[0][column] == kept
        assert type(answer.json[0][column]) is type(kept)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (filtered(("s", "eq", "a")), [1]),
        (filtered(("s", "neq", "a")), [2, 3, 4, 5]),
        (filtered(("n", "gt", 1)), [1, 2]),
        (filtered(("n", "gte", "1.5"), ("n", "lt", 2)), [1]),
        (filtered(("n", "lte", 1.5), ("s", "like", "B"), kind="or"), [1, 4]),
        (filtered(("s", "ilike", "B")), [4, 5]),
        (filtered(("s", "like", "%5")), [2]),
        (filtered(("s", "like", "b_")), [5]),
        (filtered(("b", "eq", "true")), [1]),
        (filtered(("b", "gt", False)), [1]),
        (filtered(("d", "gt", "2024-02-19T08:00:00Z")), [1]),
        (filtered(("s", "isEmpty", None)), [3]),
        (filtered(("s", "isNotEmpty", None)), [1, 2, 4, 5]),
        (filtered(("n", "isEmpty", None)), [3, 4, 5]),
        (filtered(("n", "eq", None)), [3, 4, 5]),
        (filtered(("n", "neq", None)), [1, 2]),
        (filtered(("n", "neq", 1.5)), [2, 3, 4, 5]),
        (filtered(("id", "eq", "2")), [2]),
        (filtered(("id", "gt", 3.5)), [4, 5]),
        (filtered(("createdAt", "gt", "2020-01-01")), [1, 2, 3, 4, 5]),
        (filtered(("updatedAt", "eq", None)), []),
        ({}, [1, 2, 3, 4, 5]),
    ],
)
def test_a_filter_means_what_it_means_in_n8n(api, table, wanted, found) -> None:
    first = {"s": "a", "n": 1.5, "b": True, "d": "2024-02-19T10:30:00+02:00"}
    add(api, table, first, {"s": 5, "n": "2", "b": "false", "d": "2024-02-19"}, {}, {"s": "aB"}, {"s": "b_x"})
    assert ids(api, table, filter=wanted) == found


@pytest.mark.parametrize(
    "wanted",
    [
        filtered(("zz", "eq", "a")),
        filtered(("s", "like", None)),
        filtered(("n", "like", "5")),
        filtered(("n", "gt", None)),
        filtered(("n", "eq", "x")),
        filtered(("s", "is", "x")),
        filtered(("s", "eq", {"a": 1})),
        filtered(("s", "like", "x" * 1_001)),
        {"filters": [{"columnName": "s"}]},
        {"filters": [5]},
        {"filters": {}},
        {"type": "xor"},
        filtered(*[("s", "eq", "a")] * 101),
    ],
)
def test_what_is_no_filter_is_refused(api, table, wanted) -> None:
    assert api.get(f"/data-tables/{table}/rows?filter={quote(json.dumps(wanted))}").status_code == 400
    for text in ("x", "[]", "5"):
        assert api.get(f"/data-tables/{table}/rows?filter={text}").status_code == 400


def test_rows_are_changed_and_deleted_by_a_filter(api, table) -> None:
    add(api, table, {"s": "a", "n": 1}, {"s": "a", "n": 2}, {"s": "b"})
    path, wanted = f"/data-tables/{table}/rows", filtered(("s", "eq", "a"))
    tried = api.patch(f"{path}/update", {"filter": wanted, "data": {"n": 9}, "dryRun": True}).json
    assert [(row["id"], row["n"], row["dryRunState"]) for row in tried] == [
        (1, 1, "before"),
        (1, 9, "after"),
        (2, 2, "before"),
        (2, 9, "after"),
    ]
    assert api.patch(f"{path}/update", {"filter": wanted, "data": {"n": "7"}}).json is True
    changed = api.patch(f"{path}/update", {"filter": wanted, "data": {"n": None, "b": True}, "returnData": True}).json
    assert [(row["id"], row["n"], row["b"], row["s"]) for row in changed] == [
        (1, None, True, "a"),
        (2, None, True, "a"),
    ]
    assert changed[0]["updatedAt"] >= changed[0]["createdAt"]
    nothing = {"filter": filtered(("s", "eq", "none")), "data": {"n": 1}}
    assert api.patch(f"{path}/update", nothing).json is True
    assert api.patch(f"{path}/update", {**nothing, "returnData": True}).json == []
    for body in ({"filter": wanted, "data": {}}, {"filter": {"filters": []}, "data": {"n": 1}}, {"data": {"n": 1}}):
        assert api.patch(f"{path}/update", body).status_code == 400
    query = f"{path}/delete?filter={quote(json.dumps(wanted))}"
    tried = api.delete(f"{query}&dryRun=true").json
    assert [(row["id"], row["s"], row["dryRunState"]) for row in tried[:2]] == [
        (1, "a", "before"),
        (None, None, "after"),
    ]
    assert [row["id"] for row in api.delete(f"{query}&returnData=true").json] == [1, 2]
    assert api.delete(query).json is True
    for wrong in ("", f"?filter={quote(json.dumps({'filters': []}))}", f"?filtre={quote(json.dumps(wanted))}"):
        assert api.delete(f"{path}/delete{wrong}").status_code == 400
    assert ids(api, table) == [3]
    assert api.delete(f"{path}/clear").json == {"deletedCount": 1}
    assert add(api, table, {})[0]["id"] == 4
    assert api.get(f"/data-tables/{table}").json["sizeBytes"] == 2


def test_an_upsert_changes_or_adds(api, table) -> None:
    path, new = f"/data-tables/{table}/rows/upsert", {"filter": filtered(("s", "eq", "a")), "data": {"s": "a", "n": 1}}
    before, after = api.post(path, {**new, "dryRun": True}).json
    assert before == {"id": None, "createdAt": None, "updatedAt": None, "s": None, "n": None, "dryRunState": "before"}
    assert after | {"createdAt": "", "updatedAt": ""} == {
        "id": 0,
        "createdAt": "",
        "updatedAt": "",
        "s": "a",
        "n": 1,
        "dryRunState": "after",
    }
    assert api.post(path, new).json is True
    [row] = api.post(path, {**new, "data": {"n": 2}, "returnData": True}).json
    assert (row["id"], row["s"], row["n"]) == (1, "a", 2)
    assert ids(api, table) == [1]


@pytest.mark.parametrize(
    "order", ["s:asc", "s:desc", "n:asc", "n:desc", "d:asc", "id:desc", "createdAt:desc", "b:desc"]
)
def test_a_sorted_list_goes_on_where_it_was(api, table, order) -> None:
    texts = ["b", "a", None, "c", "b", "y" * 2_000, None]
    numbers = [2, None, 10, 2, 1.5, None, -1]
    dates = ["2024-02-19", None, "2023-01-01", "2024-02-19", "2025-01-01", None, "2000-01-01"]
    rows = [
        {"s": s, "n": n, "d": d, "b": place % 2 == 0}
        for place, (s, n, d) in enumerate(zip(texts, numbers, dates, strict=True))
    ]
    add(api, table, *rows)
    whole = ids(api, table, f"&sortBy={order}")
    seen: list[int] = []
    cursor = ""
    while True:
        page = api.get(f"/data-tables/{table}/rows?limit=2&sortBy={order}{cursor}").json
        seen += [row["id"] for row in page["data"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == whole
    assert sorted(whole) == [1, 2, 3, 4, 5, 6, 7]
    expected = {"s:asc": [2, 1, 5, 4, 6, 3, 7], "n:desc": [2, 6, 3, 1, 4, 5, 7], "id:desc": [7, 6, 5, 4, 3, 2, 1]}
    assert whole == expected.get(order, whole)


def test_a_list_goes_on_after_rows_that_are_gone(api, table) -> None:
    add(api, table, {"s": "a"}, {"s": "b"}, {"s": "c"})
    cursor = api.get(f"/data-tables/{table}/rows?limit=2&sortBy=s:asc").json["nextCursor"]
    api.delete(f"/data-tables/{table}/rows/delete?filter={quote(json.dumps(filtered(('id', 'lte', 2))))}")
    assert [row["id"] for row in api.get(f"/data-tables/{table}/rows?cursor={cursor}").json["data"]] == [3]


def test_a_text_is_looked_for_in_every_cell(api, table) -> None:
    add(api, table, {"s": "Ada"}, {"n": 361}, {"d": "2024-02-19"}, {"b": True}, {"s": "100%"})
    assert ids(api, table, search="ADA") == [1]
    assert ids(api, table, search="36") == [2]
    assert ids(api, table, search="2024-02") == [3]
    assert ids(api, table, search="a", filter=filtered(("id", "gt", 1))) == []
    assert api.get(f"/data-tables/{table}/rows?sortBy=zz:asc").status_code == 400
    assert api.get(f"/data-tables/{table}/rows?sortBy=n").status_code == 400
    assert api.get(f"/data-tables/{table}/rows?sortBy=n:up").status_code == 400


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


@pytest.mark.parametrize("last_id", ["", "x", "[]", "[1,2,3]", "[1,[2]]", "{}", "[", "-1", "99999999999999999999"])
@pytest.mark.parametrize("order", ["", "n:asc", "createdAt:asc"])
def test_a_cursor_that_is_not_ours_is_refused(api, table, last_id, order) -> None:
    from app.schemas.cursors import Cursor, encode_cursor

    cursor = encode_cursor(Cursor(last_id, 10, {"sortBy": order} if order else {}))
    answer = api.get(f"/data-tables/{table}/rows?cursor={cursor}")
    assert (answer.status_code, answer.json) == (400, {"message": "An invalid cursor was provided"})


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
