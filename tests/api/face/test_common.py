"""What holds for every endpoint: the shape of errors, request ids, keys, and nothing but JSON."""

import inspect
import json
import logging

import flask
import pytest

from tests.workflows import chain, node, workflow

SOME = "/api/v1/executions"


def shape(response) -> str:
    """The message of an error, which must have the one shape."""
    assert response.content_type == "application/json"
    assert set(response.json) <= {"message", "errors"}
    assert response.json["message"]
    return response.json["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/", 404),
        ("GET", "//api//v1/executions", 404),
        ("GET", "/api/v1/executions//", 404),
        ("PUT", "/api/v1/executions", 405),
        ("OPTIONS", "/api/v1/executions", 405),
        ("TRACE", "/api/v1/executions", 405),
        ("POST", "/healthz", 405),
    ],
)
def test_wrong_paths_and_methods_are_json(api, method, path, status):
    response = api.call(method, path)
    assert response.status_code == status
    shape(response)
    assert (status == 405) == ("Allow" in response.headers)


@pytest.mark.parametrize(
    ("name", "methods"),
    [("delete", "GET, HEAD, POST"), ("stop", "POST"), ("stopMany", "POST"), ("retryMany", "GET, HEAD, POST")],
)
def test_a_405_allows_what_the_path_itself_allows(api, name, methods):
    assert api.put(f"/executions/{name}").headers["Allow"] == methods
    assert "PATCH" in api.put("/executions/1").headers["Allow"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"null", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"name": "x"}', "text/plain", 415),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"", "application/json", 400),
        (b'{"name": "x\\u0000"}', "application/json", 400),
        (b'{"name": 7}', "application/json", 400),
        (b'{"name": ""}', "application/json", 400),
    ],
)
def test_bodies_that_cannot_be_used(api, body, content_type, status):
    response = api.call("POST", "/api/v1/tags", data=body, content_type=content_type)
    assert response.status_code == status
    shape(response)


def test_a_validation_error_names_the_field(api):
    response = api.post("/executions/delete", {"ids": ["1"], "other": 1})
    assert response.json == {"message": "other: Unknown field.", "errors": {"other": ["Unknown field."]}}
    response = api.get("/executions?limit=0")
    assert response.json["errors"] == {"limit": ["Must be at least 1."]}


LONG = "x" * 300_000
TWICE = [node(LONG, "noOp"), node(LONG, "noOp")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/workflows", workflow(TWICE)),
        ("/workflows", {"name": "x", LONG: 1}),
        ("/workflows/none/run", {"input": [{LONG: 1}]}),
        ("/workflows/none/run", {LONG: [{}]}),
        ("/credentials", {"name": "x", "type": "httpBasicAuth", "data": {LONG: 1}}),
        ("/executions/delete", {"ids": [LONG]}),
        ("/data-tables", {"name": "x", "columns": [{"name": "a", "type": LONG}]}),
    ],
)
def test_what_an_error_quotes_is_cut(api, path, body):
    response = api.post(path, body)
    assert 400 <= response.status_code < 500
    assert len(response.data) < 20_000
    shape(response)


def test_a_run_of_an_unknown_type_does_not_repeat_all_of_its_name(api):
    saved = api.post("/workflows", chain(node("Start", "manualTrigger"), node("Next", LONG))).json
    response = api.post(f"/workflows/{saved['id']}/run", {})
    assert response.status_code == 400
    assert len(response.data) < 5_000


def test_a_body_above_the_limit_is_413_and_below_is_read(make_app, api):
    api.client = make_app(EXECUTIONS_MAX_BODY_BYTES="2000").test_client()
    response = api.post("/tags", {"name": "x" * 3000})
    assert response.status_code == 413
    assert "too large" in shape(response)
    assert api.post("/tags", {"name": "x" * 100}).status_code == 201


def test_a_repeated_query_parameter_is_refused(api):
    response = api.get("/executions?limit=1&limit=2")
    assert (response.status_code, response.json["errors"]) == (400, {"limit": ["Must be given once only."]})


@pytest.mark.parametrize("given", ["abc-1", "A.b:c_d", "x" * 128])
def test_a_sane_request_id_comes_back(api, given):
    response = api.get("/executions", headers={"X-Request-Id": given})
    assert response.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ä", "a;b"])
def test_any_other_is_replaced(api, given):
    response = api.get("/executions", headers={"X-Request-Id": given.encode().decode("latin-1")})
    assert response.headers["X-Request-Id"] not in ("", given)


@pytest.mark.parametrize("path", ["/api/v1/executions", "/api/v1/nothing", "/healthz", "/api/v1/executions?limit=x"])
def test_each_request_is_one_log_line_with_its_id(api, caplog, path):
    caplog.set_level(logging.INFO, logger="app.requests")
    response = api.call("GET", path)
    (record,) = [r for r in caplog.records if r.name == "app.requests"]
    assert record.request_id == response.headers["X-Request-Id"]
    assert (record.method, record.path, record.status) == ("GET", path.split("?")[0], response.status_code)
    assert record.ms >= 0


@pytest.mark.parametrize("key", [None, "", "wrong", "x" * 5000, "ü"])
def test_without_a_valid_key_nothing_is_told(api, key):
    headers = {} if key is None else {"X-N8N-API-KEY": key.encode().decode("latin-1")}
    response = api.with_key(None).get("/executions", headers=headers)
    assert response.status_code == 401
    assert response.json == {"message": "Unauthorized"}


def test_an_unexpected_error_shows_nothing_of_itself(api, caplog, monkeypatch):
    monkeypatch.setattr("app.api.executions.executions.read_page", lambda *a, **k: 1 / 0)
    response = api.get("/executions")
    assert response.status_code == 500
    assert response.json == {"message": "Internal server error"}
    assert any(record.exc_info and "ZeroDivisionError" in str(record.exc_info[0]) for record in caplog.records)


def test_a_database_that_is_away_is_503(make_app, api):
    api.client = make_app(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1").test_client()
    api.client.application.extensions["executions"].pool.timeout = 0.2
    response = api.get("/executions")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    shape(response)


def test_pages_and_answers_carry_the_headers_that_protect_browsers(api):
    for path in ("/executions", "/docs"):
        headers = api.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe-eval" not in headers["Content-Security-Policy"]


def test_two_apps_in_one_process_share_nothing(make_app, api):
    first, second = make_app(EXECUTIONS_MAX_BODY_BYTES="2000"), make_app()
    assert first.extensions["executions"] is not second.extensions["executions"]
    body = json.dumps({"name": "x" * 3000})
    for app, status in ((first, 413), (second, 400)):
        api.client = app.test_client()
        assert api.call("POST", "/api/v1/tags", data=body, content_type="application/json").status_code == status


def test_no_view_and_no_hook_is_a_coroutine_and_none_is_asked_whether_it_is(shared_app, monkeypatch):
    hooks = [shared_app.before_request_funcs, shared_app.after_request_funcs, shared_app.teardown_request_funcs]
    functions = [
        *shared_app.view_functions.values(),
        *(one for each in hooks for some in each.values() for one in some),
    ]
    assert len(functions) > 100
    assert not any(map(inspect.iscoroutinefunction, functions))
    monkeypatch.setattr(flask.app, "iscoroutinefunction", lambda function: pytest.fail(f"{function} was asked"))
    assert shared_app.test_client().get("/healthz").status_code == 200
