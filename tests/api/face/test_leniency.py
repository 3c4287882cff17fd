"""What clients send and nothing here knows: passed over and told, but not where something could be lost by it."""

from urllib.parse import quote

import pytest

from tests.api.conftest import WORKFLOW

CREDENTIAL = {"name": "Service", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "v"}}


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("/executions?limit=250&=250", ""),
        ("/executions?includeData=false&foo=1", "foo"),
        ("/executions?foo=1&foo=2", "foo"),
        ("/workflows?page=1&per_page=100", "page,per_page"),
        ("/workflows?a%20b%2C%C3%A4=1", "a%20b%2C%C3%A4"),
        ("/tags?x=1", "x"),
        ("/projects?x=1", "x"),
        ("/credentials?x%0D%0AX-Evil%3A%201=1", "x%0D%0AX-Evil%3A%201"),
        ("/credentials/schema/jwtAuth?x=1", "x"),
        ("/executions?" + "&".join(f"p{n}=1" for n in range(40)), ",".join(f"p{n}" for n in range(10))),
        ("/executions?" + "x" * 5000 + "=1", "x" * 200),
        ("/executions?" + quote("ä" * 99) + "=1", "%C3%A4" * 33),
        (f"/executions?{'a' * 90}=1&{'b' * 90}=1&{'c' * 90}=1", f"{'a' * 90},{'b' * 90}"),
    ],
)
def test_unknown_query_parameters_of_reads_are_told(api, path: str, ignored: str) -> None:
    response = api.get(path)
    assert (response.status_code, response.headers["X-Ignored"]) == (200, ignored)


def test_what_is_known_is_not_told(api, workflow) -> None:
    for path in ("/executions?limit=5", "/workflows?limit=1&offset=0", "/executions?redactExecutionData=false"):
        response = api.get(path)
        assert (response.status_code, response.headers.get("X-Ignored")) == (200, None), path


def test_unknown_body_fields_of_what_can_be_written_again_are_told(api) -> None:
    tag = api.post("/tags", {"name": "x", "other": 1, "more": {}})
    assert (tag.status_code, tag.headers["X-Ignored"]) == (201, "other,more")
    made = api.post("/credentials", {**CREDENTIAL, "homeProject": {}})
    assert (made.status_code, made.headers["X-Ignored"]) == (200, "homeProject")
    changed = api.patch(f"/credentials/{made.json['id']}", {"id": "$C", "name": "y", "type": CREDENTIAL["type"]})
    assert (changed.status_code, changed.json["name"], changed.headers["X-Ignored"]) == (200, "y", "id")
    assert api.post("/tags", {"nmae": "x"}).status_code == 400


def test_what_starts_stops_retries_or_deletes_refuses_them(api, each) -> None:
    failed = each["error"]
    calls = [
        ("POST", f"/executions/{failed}/retry", {"foo": 1}),
        ("POST", f"/executions/{failed}/retry?foo=1", {}),
        ("POST", "/executions/retryMany", {"filter": {"workflowId": "all", "statsu": ["error"]}}),
        ("POST", f"/executions/{each['running']}/stop?foo=1", None),
        ("POST", "/executions/stop", {"status": ["running"], "workfowId": "other"}),
        ("POST", "/executions/stopMany", {"filter": {"status": ["running"], "workfowId": "other"}}),
        ("POST", "/executions/delete", {"filter": {"status": ["error"], "startedBfore": "2020-01-01"}}),
        ("DELETE", f"/executions/{failed}?foo=1", None),
        ("DELETE", "/workflows/first?foo=1", None),
        ("DELETE", "/tags/x?foo=1", None),
    ]
    for method, path, body in calls:
        response = api.call(method, f"/api/v1{path}", body)
        assert response.status_code == 400, path
        assert "Unknown field." in response.json["message"]
        assert "X-Ignored" not in response.headers
    assert {status: api.status(number) for status, number in each.items()} == {status: status for status in each}


@pytest.mark.parametrize("load", ["true", "false", ""])
def test_the_retry_of_a_client_that_names_the_workflow_in_the_query(api, each, load: str) -> None:
    response = api.post(f"/executions/{each['error']}/retry?loadWorkflow={load}")
    assert (response.status_code, response.json["mode"]) == (200, "retry")


def test_a_retry_whose_empty_body_has_no_content_type(api, each) -> None:
    path = f"/api/v1/executions/{each['error']}/retry"
    assert api.call("POST", path, data=b'{"loadWorkflow": true}').status_code == 415
    assert api.call("POST", path, data=b"{}", content_type="text/plain").status_code == 415
    assert api.call("POST", path, data=b" {} ").status_code == 200
    assert api.call("POST", path, data=b" \n", content_type="application/json").status_code == 400


def test_the_query_belongs_to_what_an_idempotency_key_stands_for(api, each) -> None:
    path, key = f"/executions/{each['error']}/retry", {"Idempotency-Key": "once"}
    first = api.post(f"{path}?loadWorkflow=true", headers=key)
    assert first.status_code == 200
    assert api.post(f"{path}?loadWorkflow=true", headers=key).json["id"] == first.json["id"]
    assert api.post(path, headers=key).status_code == 422


def test_no_body_is_no_empty_list(api, each) -> None:
    tag = api.post("/tags", {"name": "kept"}).json["id"]
    for path in (f"/executions/{each['success']}/tags", "/workflows/first/tags"):
        api.put(path, [{"id": tag}])
        answer = api.call("PUT", f"/api/v1{path}")
        assert (answer.status_code, answer.json) == (400, {"message": "The request body must be a JSON array"})
        assert [one["id"] for one in api.get(path).json] == [tag]
    assert api.call("POST", "/api/v1/users").status_code == 400


def test_empty_values_count_as_absent(api, each) -> None:
    everything = api.get("/executions?limit=250").json["data"]
    empty = ("cursor", "status", "mode", "workflowId", "projectId", "lastId", "startedAfter", "vote", "tag")
    query = "&".join(f"{name}=" for name in (*empty, "metadataKey", "metadataValue", "includeData", "limit", "foo"))
    response = api.get(f"/executions?{query}")
    assert (response.status_code, response.json["data"]) == (200, everything)
    assert len(api.get("/workflows?tags=&name=&projectId=&cursor=&active=&offset=&limit=1").json["data"]) == 1
    assert api.get("/executions?status=&status=error").json["count"] == 1


def test_a_trailing_slash_is_the_same_path(api, workflow) -> None:
    for path in ("/api/v1/workflows", "/api/v1/executions", "/api/v1/workflows/first", "/healthz"):
        assert api.call("GET", f"{path}/?limit=1").json == api.call("GET", f"{path}?limit=1").json
        assert api.call("GET", f"{path}//").status_code == 404
    assert api.call("PUT", "/api/v1/executions/stop/").headers["Allow"] == "POST"
    assert api.post("/tags/", {"name": "x"}).status_code == 201


def test_a_key_as_a_bearer_token(api) -> None:
    bare = api.with_key(None)
    for value, status in (
        (f"Bearer {api.key}", 200),
        (f"bearer  {api.key} ", 200),
        (f"Basic {api.key}", 401),
        (api.key, 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
    ):
        assert bare.get("/tags", headers={"Authorization": value}).status_code == status, value
    wrong = {"X-N8N-API-KEY": "wrong", "Authorization": f"Bearer {api.key}"}
    assert bare.get("/tags", headers=wrong).status_code == 401


def test_a_status_that_matches_nothing(api, each) -> None:
    response = api.get("/executions?status=unknown")
    assert (response.status_code, response.json["data"], response.json["count"]) == (200, [], 0)
    assert api.get("/executions?status=unknown&status=error").json["count"] == 1
    cursor = api.get("/executions?status=unknown&status=error&status=success&limit=1").json["nextCursor"]
    assert len(api.get(f"/executions?cursor={cursor}").json["data"]) == 1
    assert api.post("/executions/delete", {"filter": {"status": ["unknown"]}}).status_code == 400


def test_redacted_data_is_not_shown(api, each) -> None:
    path = f"/executions/{each['success']}?includeData=true"
    assert "data" in api.get(path).json
    assert "data" not in api.get(f"{path}&redactExecutionData=true").json
    listed = api.get("/executions?includeData=true&redactExecutionData=true").json["data"]
    assert len(listed) == len(each)
    assert not any("data" in one for one in listed)


def test_an_offset_leaves_out_the_first_ones(api) -> None:
    for name in "abcde":
        api.workflow(workflow_id=name)
    page = api.get("/workflows?limit=2&offset=1").json
    assert [each["id"] for each in page["data"]] == ["b", "c"]
    rest = api.get(f"/workflows?cursor={page['nextCursor']}&offset=1").json
    assert [each["id"] for each in rest["data"]] == ["d", "e"]
    assert api.get("/workflows?offset=5").json["data"] == []
    for offset in ("-1", "x", "10001"):
        assert api.get(f"/workflows?offset={offset}").status_code == 400


def test_a_name_is_found_by_any_part_of_it(api) -> None:
    for name in ("Client manual", "CLIENT good", "50% off_now", "\\d", "Überweisung", "Other"):
        assert api.post("/workflows", {**WORKFLOW, "name": name}).status_code == 200

    def found(text: str) -> set[str]:
        return {each["name"] for each in api.get(f"/workflows?name={quote(text)}").json["data"]}

    assert found("client") == found("CLient") == {"Client manual", "CLIENT good"}
    assert found("manual") == found("t man") == {"Client manual"}
    assert found("%") == found("0% o") == found("f_n") == {"50% off_now"}
    assert found("\\") == {"\\d"}
    assert found("überweis") == {"Überweisung"}
    assert found("o") == {"CLIENT good", "50% off_now", "Other"}
    assert found("client%") == found("clientmanual") == set()
    cursor = api.get("/workflows?name=client&limit=1").json["nextCursor"]
    assert len(api.get(f"/workflows?cursor={cursor}").json["data"]) == 1


def test_a_renamed_workflow_is_found_by_its_new_name_alone(api) -> None:
    workflow_id = api.post("/workflows", {**WORKFLOW, "name": "before"}).json["id"]
    api.put(f"/workflows/{workflow_id}", {**WORKFLOW, "name": "after"})
    assert [each["id"] for each in api.get("/workflows?name=after").json["data"]] == [workflow_id]
    assert api.get("/workflows?name=before").json["data"] == []


def test_a_workflow_body_names_the_field_that_it_cannot_have(api, workflow) -> None:
    for call, path in ((api.post, "/workflows"), (api.put, "/workflows/first")):
        response = call(path, {**WORKFLOW, "foo": 1})
        assert (response.status_code, response.json["message"]) == (400, "foo: Unknown field.")


def test_the_document_says_which_bodies_may_hold_more(api) -> None:
    document = api.get("/openapi.json").json

    def closed(path: str, method: str) -> bool:
        schema = document["paths"][f"/api/v1{path}"][method]["requestBody"]["content"]["application/json"]["schema"]
        found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found.get("additionalProperties") is False

    assert not closed("/tags", "post")
    assert not closed("/audit", "post")
    assert not closed("/executions/{execution_id}", "patch")
    assert closed("/executions/{execution_id}/retry", "post")
    assert closed("/executions/delete", "post")
    assert closed("/problems/{problem_id}", "patch")
    assert closed("/views", "post")
    assert closed("/executions/stop", "post")
