"""Votes and tags of executions."""

import pytest

from app.api.executions import bulk
from app.schemas.cursors import Cursor, encode_cursor


def test_the_documented_annotation_works_as_it_stands(api, each):
    body = {"annotation": {"tags": ["tag_production", "tag_urgent"], "vote": "up"}}
    response = api.patch(f"/executions/{each['success']}", body)
    assert response.status_code == 200
    assert response.json["annotation"] == {
        "vote": "up",
        "tags": [
            {"id": "tag_production", "name": "tag_production"},
            {"id": "tag_urgent", "name": "tag_urgent"},
        ],
    }
    assert response.json == api.get(f"/executions/{each['success']}").json


def test_what_is_not_named_stays(api, each):
    path = f"/executions/{each['success']}"
    api.patch(path, {"annotation": {"tags": ["a"], "vote": "up"}})
    assert api.patch(path, {"annotation": {"vote": "down"}}).json["annotation"]["tags"] == [{"id": "a", "name": "a"}]
    assert api.patch(path, {"annotation": {"tags": []}}).json["annotation"] == {"vote": "down", "tags": []}
    assert api.patch(path, {"annotation": {"vote": None}}).json["annotation"] == {"vote": None, "tags": []}
    assert api.patch(path, {"annotation": {}}).status_code == 200
    assert api.patch(path, {}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"annotation": {"vote": "sideways"}},
        {"annotation": {"vote": True}},
        {"annotation": {"tags": "a"}},
        {"annotation": {"tags": [""]}},
        {"annotation": {"tags": ["a/b"]}},
        {"annotation": {"tags": ["x" * 65]}},
        {"annotation": {"tags": ["a\u0000"]}},
        {"annotation": {"tags": None}},
        {"annotation": None},
    ],
)
def test_nothing_but_annotations_can_be_changed(api, each, body):
    assert api.patch(f"/executions/{each['success']}", body).status_code == 400


def test_what_is_no_annotation_is_passed_over(api, each):
    path = f"/executions/{each['error']}"
    before = api.get(path).json
    response = api.patch(path, {"status": "success", "annotation": {"other": 1}})
    assert (response.status_code, response.json) == (200, before)
    assert response.headers["X-Ignored"] == "status,annotation.other"


def test_an_unknown_tag_id_that_is_anothers_name_is_that_tag(api, each):
    tag = api.post("/tags", {"name": "production"}).json
    path = f"/executions/{each['success']}"
    for named in (["production"], [tag["id"]], [tag["id"], "production"]):
        response = api.patch(path, {"annotation": {"tags": named}})
        assert (response.status_code, response.json["annotation"]["tags"]) == (
            200,
            [{"id": tag["id"], "name": "production"}],
        )
    renamed = api.post("/tags", {"name": tag["id"]})
    assert renamed.status_code == 201
    tags = api.patch(path, {"annotation": {"tags": [tag["id"]]}}).json["annotation"]["tags"]
    assert [given["id"] for given in tags] == [tag["id"]]


def test_n8ns_tags_of_an_execution(api, each):
    path = f"/executions/{each['success']}/tags"
    tag = api.post("/tags", {"name": "production"}).json
    assert api.get(path).json == []
    response = api.put(path, [{"id": tag["id"]}, {"id": tag["id"]}])
    assert (response.status_code, response.json) == (200, [tag])
    assert api.get(path).json == [tag]
    response = api.put(path, [{"id": "unknown"}])
    assert (response.status_code, response.json) == (404, {"message": "Some tags not found"})
    assert api.put(path, []).json == []
    for body in ({}, {"id": "x"}, [{}], ["x"]):
        assert api.put(path, body).status_code == 400


def test_an_annotation_does_not_wait_for_nor_disturb_the_worker(api, each):
    assert api.patch(f"/executions/{each['running']}", {"annotation": {"vote": "up"}}).json["status"] == "running"
    assert api.status(each["running"]) == "running"


def tags_of(api, number: int) -> set[str]:
    return {tag["id"] for tag in api.get(f"/executions/{number}").json["annotation"]["tags"]}


def test_all_that_match_are_tagged_call_by_call(api, workflow, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_AT_ONCE", 2)
    failed = [api.ended(workflow, "error") for _ in range(5)]
    kept = api.ended(workflow)
    api.patch(f"/executions/{failed[0]}", {"annotation": {"tags": ["own"]}})
    body, numbers, cursor = {"filter": {"status": ["error"]}, "tags": ["seen", "by ada"]}, [], None
    later = None
    while cursor or not numbers:
        answer = api.post("/executions/tagMany", body | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.json
        numbers.append(answer.json["tagged"])
        last, cursor = cursor, answer.json["nextCursor"]
        later = later or api.ended(workflow, "error")
    assert numbers == [2, 2, 1]
    again = api.post("/executions/tagMany", body | {"cursor": last}).json
    assert (again["tagged"], again["touchedBy"]) == (1, answer.json["touchedBy"])
    assert [tags_of(api, number) for number in failed[1:]] == [{"seen", "by ada"}] * 4
    assert tags_of(api, failed[0]) == {"own", "seen", "by ada"}
    assert tags_of(api, kept) == tags_of(api, later) == set()
    assert len(api.get("/executions?tag=seen&status=error").json["data"]) == 5
    api.patch(f"/executions/{kept}", {"annotation": {"tags": ["seen"]}})
    touched = api.get(f"/executions?touchedBy={answer.json['touchedBy']}").json["data"]
    assert [int(one["id"]) for one in touched] == failed[::-1]


@pytest.mark.parametrize("told", [None, "x", 7, {}, "7" * 30])
def test_a_cursor_that_names_no_call_begins_another(api, workflow, told):
    numbers = [api.ended(workflow, "error") for _ in range(2)]
    cursor = encode_cursor(Cursor(str(numbers[1]), 1, {} if told is None else {"touchedBy": told}))
    answer = api.post("/executions/tagMany", {"filter": {"status": ["error"]}, "tags": ["seen"], "cursor": cursor}).json
    assert answer["tagged"] == 1
    touched = api.get(f"/executions?touchedBy={answer['touchedBy']}").json["data"]
    assert [one["id"] for one in touched] == [str(numbers[0])]


def test_a_cursor_of_another_list_is_refused(api, workflow):
    numbers = [api.ended(workflow, "error") for _ in range(2)]
    cursor = api.get("/executions?status=error&limit=1").json["nextCursor"]
    answer = api.post("/executions/tagMany", {"filter": {"workflowId": "all"}, "tags": ["seen"], "cursor": cursor})
    assert (answer.status_code, answer.json) == (400, {"message": "An invalid cursor was provided"})
    assert tags_of(api, numbers[0]) == set()


def test_what_another_project_has_touched_is_neither_listed_nor_added_to(api, workflow):
    numbers = [api.ended(workflow) for _ in range(2)]
    first = api.post("/executions/tagMany", {"ids": [str(numbers[0])], "tags": ["seen"]}).json["touchedBy"]
    limited = api.with_key("limited", "*", project_id=api.project("other"))
    assert limited.get(f"/executions?touchedBy={first}").json["data"] == []
    own = api.with_key("own", "*", project_id="default")
    cursor = encode_cursor(Cursor(str(numbers[1] + 1), 1, {"touchedBy": first}))
    body = {"filter": {"workflowId": "all"}, "tags": ["mine"], "cursor": cursor}
    assert own.post("/executions/tagMany", body).json["tagged"] == 2
    mine = own.post("/executions/tagMany", {"ids": [str(numbers[0])], "tags": ["mine"]}).json["touchedBy"]
    own.post(
        "/executions/tagMany", {**body, "cursor": encode_cursor(Cursor(str(numbers[1] + 1), 1, {"touchedBy": mine}))}
    )
    assert len(own.get(f"/executions?touchedBy={mine}").json["data"]) == 2
    everything = api.with_key("everything", "*")
    assert [one["id"] for one in everything.get(f"/executions?touchedBy={first}").json["data"]] == [str(numbers[0])]


def test_named_ones_are_tagged_within_what_the_key_sees(api, workflow):
    number = api.ended(workflow)
    body = {"ids": [str(number), "no-id", "77777"], "tags": ["seen"]}
    limited = api.with_key("limited", "*", project_id=api.project("other"))
    assert limited.post("/executions/tagMany", body).json == {"tagged": 0, "nextCursor": None}
    assert api.with_key("everything", "*").post("/executions/tagMany", body).json["tagged"] == 1
    assert tags_of(api, number) == {"seen"}


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"status": ["error"]}},
        {"filter": {}, "tags": ["a"]},
        {"filter": {"stauts": ["error"]}, "tags": ["a"]},
        {"filter": {"status": ["error"]}, "tags": ["a"], "dryrun": True},
        {"filter": {"status": ["error"]}, "tags": []},
        {"filter": {"status": ["error"]}, "tags": [str(number) for number in range(11)]},
        {"filter": {"status": ["error"]}, "ids": ["1"], "tags": ["a"]},
        {"ids": ["1"], "tags": ["a"], "cursor": "eyJsYXN0SWQiOiIxIiwibGltaXQiOjF9"},
        {"filter": {"status": ["error"]}, "tags": ["a"], "cursor": "nonsense"},
        {"filter": {"status": ["error"]}, "tags": ["a"], "cursor": "eyJsYXN0SWQiOiJ4IiwibGltaXQiOjF9"},
    ],
)
def test_what_would_tag_more_than_was_meant_is_refused(api, workflow, body):
    number = api.ended(workflow, "error")
    assert api.post("/executions/tagMany", body).status_code == 400
    assert tags_of(api, number) == set()
