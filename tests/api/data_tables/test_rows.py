"""The rows of data tables: n8n's conversions of values, its filters, and what changes them."""

import json
from urllib.parse import quote

import pytest

from tests.api.data_tables.asking import add, filtered, ids


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


def test_numbers_beyond_64_bits_are_read_again(api, table) -> None:
    path = f"/data-tables/{table}/rows"
    numbers = [1e20, -1e308, 1e-320, 2**53]
    assert [row["n"] for row in add(api, table, *({"n": number} for number in numbers))] == numbers
    read = [row["n"] for row in api.get(f"{path}?sortBy=n:asc").json["data"]]
    assert read == sorted(numbers)
    first = api.get(f"{path}?sortBy=n:desc&limit=1").json
    assert [row["n"] for row in api.get(f"{path}?limit=3&cursor={first['nextCursor']}").json["data"]] == read[2::-1]
