"""Saved views: named lists of executions, which belong to their key."""

import threading

import pytest

from app.repository import views


def save(api, name: str = "Failed", query: str = "status=error"):
    return api.post("/views", {"name": name, "query": query})


def test_a_view_is_saved_listed_and_deleted(api) -> None:
    made = save(api, "Two", "workflowId=w1&status=error&status=crashed&error=no%20host&startedAfter=2026-01-01")
    assert made.status_code == 201
    assert made.json.keys() == {"id", "name", "query", "createdAt"}
    assert made.json["query"] == ("status=error&status=crashed&workflowId=w1&startedAfter=2026-01-01&error=no+host")
    assert api.get(f"/executions?{made.json['query']}").status_code == 200
    other = save(api, "All", "").json
    assert api.get("/views").json == {"data": [other, made.json], "nextCursor": None}
    assert api.delete(f"/views/{made.json['id']}").json == made.json
    assert api.get("/views").json["data"] == [other]
    assert api.delete(f"/views/{made.json['id']}").status_code == 404


def test_a_view_belongs_to_its_key(api) -> None:
    number = save(api).json["id"]
    other = api.with_key("other", "*")
    assert other.get("/views").json["data"] == []
    assert other.delete(f"/views/{number}").status_code == 404
    assert save(other).status_code == 201
    assert save(api).status_code == 409


@pytest.mark.parametrize(
    "query",
    ["status=lost", "stats=error", "limit=5", "cursor=x", "lastId=1", "includeData=true", "error=%20", "&&", "status",
     "metadataValue=1", "metadataKey=a&metadataKey=b", "id=x", "error=%ff", "&".join(["status=error"] * 600),
     "x" * 5_000, "&".join(["workflowId=w"] * 51)],
)  # fmt: skip
def test_what_is_no_list(api, query: str) -> None:
    answer = save(api, query=query)
    assert answer.status_code == 400
    assert answer.json["message"].startswith("query")


def test_a_misspelt_name_is_refused(api) -> None:
    for path, more in (("/views", {"qurey": "status=error"}), ("/views?x=1", {})):
        answer = api.post(path, {"name": "Failed", "query": "", **more})
        assert (answer.status_code, "Unknown field." in answer.json["message"]) == (400, True)
    assert api.get("/views").json["data"] == []


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 101, 7, None])
def test_what_is_no_name(api, name) -> None:
    assert api.post("/views", {"name": name, "query": ""}).status_code == 400


def test_a_key_has_so_many_views_and_no_more(api, monkeypatch) -> None:
    monkeypatch.setattr(views, "MAX_PER_KEY", 3)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(save(api, f"view {n}").status_code)) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201] * 3 + [409] * 3
    assert len(api.get("/views").json["data"]) == 3
