"""Signing in and out, what a session may do, and that no other page can use it."""

import gzip
import re

import pytest
from flask import g, request

from app.api.executions.events import authentication
from app.api.face.form_bodies import MAX_FORM_BYTES, URL_ENCODED
from app.api.face.sessions import COOKIE, TOKEN_HEADER, UNDER_TLS, hide_cookie
from app.console.assets import assets
from app.console_links import new_link
from app.repository import api_keys
from app.scopes import ANY
from tests.api.conftest import KEY, endpoint_scopes
from tests.workflows import node, workflow


def test_a_key_signs_in_and_only_its_hash_is_kept(visitor, api):
    response = visitor.sign_in(next="/console/executions?search=a..b")
    assert (response.status_code, response.location) == (303, "/console/executions?search=a..b")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    [stored] = api.db.execute("SELECT token_sha256 FROM console_sessions").fetchone()
    assert stored == api_keys.digest(visitor.cookie)
    assert visitor.get("/console/executions").status_code == 200


def test_a_wrong_key_signs_nobody_in(visitor):
    response = visitor.sign_in("wrong")
    assert response.status_code == 403
    assert "no valid API key" in response.text
    assert visitor.cookie is None


@pytest.mark.parametrize("place", ["/console/sign-in", "/api/v1/n8n-packages/import"])
def test_of_a_form_no_more_is_read_than_a_page_sends(visitor, place):
    headers = {"Sec-Fetch-Site": "same-origin", "X-N8N-API-KEY": KEY}
    for length, refused in ((MAX_FORM_BYTES, False), (MAX_FORM_BYTES + 1, True)):
        response = visitor.client.post(place, data=b"a" * length, headers=headers, content_type=URL_ENCODED)
        assert (response.status_code == 413) == refused
    fields = visitor.client.post(place, data=b"a&" * 500_000, headers=headers, content_type=URL_ENCODED)
    assert fields.status_code == 413


ELSEWHERE = ("https://evil.example/", "//evil.example", "/console/\\evil", "/console//x y", "/console/a/%2e./../form/x")


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_signing_in_leads_nowhere_else(visitor, elsewhere):
    assert visitor.sign_in(next=elsewhere).location == "/console/"


def test_under_tls_the_cookie_is_bound_to_this_host(make_app, api):
    client = make_app(EXECUTIONS_WEBHOOK_URL="https://executions.example").test_client()
    response = client.post("/console/sign-in", data={"key": KEY}, headers={"Sec-Fetch-Site": "same-origin"})
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{UNDER_TLS}=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(visitor):
    response = visitor.get("/console/executions?status=error")
    assert (response.status_code, response.location) == (
        303,
        "/console/sign-in?next=/console/executions?status%3Derror",
    )
    part = visitor.get("/console/executions", HX_Request="true")
    assert (part.status_code, part.text) == (401, "")  # the page stays, with what was written in it


def test_a_session_ends_with_its_key_by_idleness_by_age_and_by_signing_out(browser, api):
    other = browser.cookie
    api.db.execute("UPDATE console_sessions SET last_used_at = now() - interval '13 hours'")
    api.db.commit()
    assert browser.get("/console/executions").status_code == 303
    browser.sign_in()
    assert browser.cookie != other
    api.db.execute("UPDATE console_sessions SET created_at = now() - interval '31 days'")
    api.db.commit()
    assert browser.get("/console/executions").status_code == 303
    browser.sign_in()
    token = browser.page_token
    assert browser.client.post("/console/sign-out", data={"token": token}, headers={"Sec-Fetch-Site": "same-origin"})
    assert browser.get("/console/executions").status_code == 303
    browser.sign_in()
    api_keys.revoke_api_key(api.db, api_keys.find_api_key(api.db, KEY).id)
    api.db.commit()
    assert browser.get("/console/executions").status_code == 303
    assert browser.get("/api/v1/executions").status_code == 401


def test_a_link_signs_in_once(visitor, api):
    link = new_link(api.db, "", KEY)
    api.db.commit()
    assert visitor.client.head(link).status_code == 200, "whoever only looks does not use it up"
    assert visitor.get(link).location == "/console/"
    assert visitor.cookie
    assert visitor.get(link).location == "/console/", "whoever is signed in is where they wanted to be"
    visitor.client.delete_cookie(COOKIE)
    assert visitor.get(link).status_code == 403
    assert visitor.cookie is None


def test_an_old_link_signs_nobody_in(visitor, api):
    link = new_link(api.db, "", KEY)
    soon = "expires_at <= clock_timestamp() + interval '15 minutes'"
    assert api.db.execute(f"SELECT {soon} FROM console_links").fetchall() == [(True,)]
    api.db.execute("UPDATE console_links SET expires_at = now() - interval '1 second'")
    api.db.commit()
    assert visitor.get(link).status_code == 403
    assert visitor.cookie is None


def test_a_session_calls_the_api_and_changes_need_the_token_of_its_pages(browser, api, workflow):
    number = api.ended(workflow, "error")
    assert browser.get("/api/v1/executions").json["count"] == 1
    retry = f"/api/v1/executions/{number}/retry"
    assert browser.send("POST", retry).status_code == 403
    assert browser.send("POST", retry, **{TOKEN_HEADER: "wrong"}).status_code == 403
    assert browser.send("POST", retry, **{TOKEN_HEADER: browser.page_token}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_no_page_of_another_origin_uses_a_session(browser, headers):
    token = browser.page_token
    assert browser.send("POST", "/api/v1/tags", {"name": "x"}, **{TOKEN_HEADER: token}, **headers).status_code == 403
    assert browser.get("/api/v1/executions", **headers).status_code == 403


def test_browsers_that_only_know_the_origin_say_it(browser):
    headers = {TOKEN_HEADER: browser.page_token}
    for origin, status in (("http://localhost", 201), ("http://evil.example", 403), ("null", 403), (None, 403)):
        given = headers if origin is None else {**headers, "Origin": origin}
        response = browser.client.post("/api/v1/tags", json={"name": f"by {origin}"}, headers=given)
        assert response.status_code == status, origin


def test_a_link_from_elsewhere_is_followed(browser):
    assert browser.get("/console/executions", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status_code == 200


def test_what_a_key_may_not_do_is_not_shown_and_refused(browser_with, api, workflow):
    number = api.ended(workflow, "error")
    limited = browser_with("execution:list", "execution:read")
    page = limited.get("/console/executions").text
    assert "Retry execution" not in page
    assert 'data-bulk="delete"' not in page
    assert limited.get("/console/executions/bulk/delete").status_code == 403
    headers = {TOKEN_HEADER: limited.page_token}
    assert limited.send("POST", f"/api/v1/executions/{number}/retry", **headers).status_code == 403


def test_who_may_not_read_workflows_sees_neither_their_nodes_nor_their_addresses(browser, browser_with, api):
    hook = node("Hook", "webhook", {"path": "hidden-path"}, 2)
    body = workflow([hook])
    made = api.post("/workflows", body).json["id"]
    assert api.post(f"/workflows/{made}/activate").status_code == 200
    number = api.post(f"/workflows/{made}/run", {}).json["id"]
    hook["parameters"]["path"] = "newer-path"
    assert api.put(f"/workflows/{made}", body).status_code == 200
    limited = browser_with("execution:list", "execution:read")
    for path, text in (("/engine-room", "/webhook/"), (f"/executions/{number}/changes", "newer-path")):
        assert text in browser.get(f"/console{path}").text
        assert text not in limited.get(f"/console{path}").text
    assert "/changes" not in limited.get(f"/console/executions/{number}").text
    assert limited.get(f"/console/executions/{number}/changes").status_code == 403


def test_each_page_asks_for_its_scope(api):
    pages = {path: scope for (_, path), scope in endpoint_scopes(api.client.application).items() if "/console/" in path}
    nobody = api.with_key("nothing", "audit:none")
    for path, scope in pages.items():
        if scope not in (None, ANY):
            assert nobody.call("GET", re.sub("<.*?>", "1", path)).status_code == 403, path


def test_a_project_sees_its_own(browser_with, api, workflow):
    api.ended(workflow)
    limited = browser_with("*", project_id=api.project("other"))
    assert "Nothing has run yet" in limited.get("/console/executions").text
    assert limited.get("/console/executions/1").status_code == 404


@pytest.mark.parametrize(
    ("sent", "seen"),
    [(f"theme=dark; {COOKIE}=secret; {UNDER_TLS}=secret;a=b", "theme=dark;a=b"), (f"{COOKIE}=secret", None)],
)
def test_no_workflow_sees_a_session(api, sent, seen):
    with api.client.application.test_request_context("/webhook/x", headers={"Cookie": sent}):
        hide_cookie()
        assert request.headers.get("Cookie") == seen


def test_pages_allow_nothing_from_elsewhere(browser):
    for response in (
        browser.get("/console/executions"),
        browser.get("/console/nothing"),
        browser.get("/console/sign-in"),
    ):
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script>" not in response.text
        assert " style=" not in response.text


def test_only_browsers_are_led_from_the_root(visitor):
    assert visitor.get("/", Accept="text/html,*/*").location == "/console/"
    response = visitor.get("/", Accept="*/*")
    assert (response.status_code, response.json) == (404, {"message": "Not found"})


def test_scripts_are_kept_forever_under_a_name_that_changes_with_them(browser):
    page = browser.get("/console/executions").text
    [name] = re.findall(r"/console/static/(executions\.\w+\.js)", page)
    response = browser.get(f"/console/static/{name}")
    assert "immutable" in response.headers["Cache-Control"]
    assert './api.js"' not in response.text, "it imports others by such a name as well"
    assert browser.get("/console/static/executions.js").status_code == 404


def test_workers_are_scripts_of_this_origin_and_all_scripts_and_styles_are_small(browser):
    page = browser.get("/console/executions")
    assert "worker-src 'self'" in page.headers["Content-Security-Policy"]
    script = browser.get(f"/console/static/{assets().address('whole.js')}").text
    [name] = re.findall(r'new Worker\(new URL\("\./([\w.]+)"', script)
    worker = browser.get(f"/console/static/{name}")
    assert worker.content_type == "text/javascript; charset=utf-8"
    assert "connect-src 'self'" in worker.headers["Content-Security-Policy"], "what holds in the worker"
    assert sum(len(gzip.compress(file.content)) for file in assets().by_address.values()) < 150 * 1024


def test_a_failure_whose_page_fails_too_is_told_as_json(visitor, monkeypatch):
    def broken(*args, **kwargs):
        raise FileNotFoundError("a script")

    monkeypatch.setattr("app.console.pages.render_template", broken)
    response = visitor.get("/console/nowhere")
    assert (response.status_code, response.json) == (500, {"message": "Internal server error"})


@pytest.mark.parametrize(
    ("asked", "is_use"),
    [
        ({"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, True),
        ({"Accept": "*/*", "X_Console_Attended": "1"}, True),
        ({"Accept": "*/*", "HX_Request": "true"}, False),
        ({"Accept": "text/event-stream"}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("path", ["/console/executions", "/api/v1/executions/events"])
def test_a_page_that_only_follows_keeps_no_session_alive(browser, api, path, asked, is_use):
    def used() -> bool:
        api.db.rollback()
        return api.db.execute("SELECT last_used_at > now() - interval '1 hour' FROM console_sessions").fetchone()[0]

    api.db.execute("UPDATE console_sessions SET last_used_at = now() - interval '11 hours'")
    api.db.commit()
    assert browser.get(path, **asked).status_code == 200
    assert used() == is_use
    assert browser.send("POST", "/api/v1/tags", {"name": "x"}, **{TOKEN_HEADER: browser.page_token}).status_code == 201
    assert used()


def test_who_watches_is_looked_after_without_using_the_session(browser, api):
    with api.client.application.test_request_context(headers={"Cookie": f"{COOKIE}={browser.cookie}"}):
        g.api_key = api_keys.find_api_key(api.db, KEY)
        shown = authentication()
    api.db.execute("UPDATE console_sessions SET last_used_at = now() - interval '11 hours'")
    api.db.commit()
    assert shown.is_valid()
    api.db.execute("UPDATE console_sessions SET last_used_at = last_used_at - interval '2 hours'")
    api.db.commit()
    assert not shown.is_valid()
