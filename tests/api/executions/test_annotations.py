"""Votes and tags of executions."""

import pytest


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
