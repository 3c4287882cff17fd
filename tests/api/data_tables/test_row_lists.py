"""Lists of the rows of a data table go on where they were."""

import json
from urllib.parse import quote

import pytest

from tests.api.data_tables.asking import add, filtered, ids


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


@pytest.mark.parametrize("last_id", ["", "x", "[]", "[1,2,3]", "[1,[2]]", "{}", "[", "-1", "99999999999999999999"])
@pytest.mark.parametrize("order", ["", "n:asc", "createdAt:asc"])
def test_a_cursor_that_is_not_ours_is_refused(api, table, last_id, order) -> None:
    from app.schemas.cursors import Cursor, encode_cursor

    cursor = encode_cursor(Cursor(last_id, 10, {"sortBy": order} if order else {}))
    answer = api.get(f"/data-tables/{table}/rows?cursor={cursor}")
    assert (answer.status_code, answer.json) == (400, {"message": "An invalid cursor was provided"})
