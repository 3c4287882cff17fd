"""Whatever a page offers, its key may do: no link and no button leads to a refusal."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from werkzeug.exceptions import HTTPException

from app.scopes import SCOPES
from tests.console.test_other_pages import settle
from tests.workflows import node, workflow

ACTIONS = {"execution:retry", "execution:stop", "execution:delete", "execution:update", "workflow:activate"}
LINK = re.compile(r'(?:href|action|hx-get|data-open|data-from|data-rows|data-newer|data-path)="(/[^"]*)"')
CALL = re.compile(r'data-api="([A-Z]+) ([^"]*)"')
HOST = "http://localhost"


@pytest.fixture
def pages(api):
    """Addresses of pages that show a failed execution with a retry and a tag, its workflow, problem and schedule."""
    every = node("Each hour", "scheduleTrigger", {"rule": {"interval": [{"field": "hours"}]}}, 1.2)
    made = api.post("/workflows", workflow([every])).json
    assert api.post(f"/workflows/{made['id']}/activate").status_code == 200
    number = api.post(f"/workflows/{made['id']}/run", {}).json["id"]
    api.finish(int(number), "error", error_node="Each hour", error_message="It broke")
    assert api.patch(f"/executions/{number}", {"annotation": {"tags": ["urgent"]}}).status_code == 200
    assert api.post(f"/executions/{number}/retry").status_code == 200
    settle(api)
    [problem] = api.db.execute("SELECT max(id) FROM problems").fetchone()
    [first] = api.db.execute("SELECT min(id::text) FROM workflow_versions").fetchone()
    one, kept = f"/console/executions/{number}", f"/console/workflows/{made['id']}"
    return [
        "/console/executions",
        "/console/problems",
        f"/console/problems/{problem}",
        "/console/workflows",
        "/console/engine-room",
        *(one + part for part in ("", "/compare", "/changes", "/node?node=Each%20hour")),
        *(kept + part for part in ("", f"/versions/{first}")),
    ]


def offered(page, text):
    """Methods and paths that a page leads to or calls."""
    for found in LINK.findall(text):
        yield "GET", urlsplit(urljoin(HOST + page, unescape(found).replace("{id}", "1"))).path
    yield from ((method, path) for method, path in CALL.findall(text))


@pytest.mark.parametrize(
    "left_out",
    [{"execution:list"}, {"execution:read"}, {"workflow:list"}, {"workflow:read"}, ACTIONS],
    ids=lambda scopes: min(scopes),
)
def test_no_page_offers_what_its_key_may_not_do(api, pages, browser_with, left_out):
    limited = browser_with(*(scope for scope in SCOPES if scope not in left_out))
    app, seen = api.client.application, set()
    address = app.url_map.bind("localhost")
    shown = 0
    for page in pages:
        answer = limited.get(page)
        shown += answer.status_code == 200
        if answer.status_code == 200:
            seen |= {(page, method, path) for method, path in offered(page, answer.text)}
    assert shown > 3
    assert len(seen) > 20
    for page, method, path in seen:
        try:
            endpoint, _ = address.match(path, method=method)
        except HTTPException:
            continue
        scope = getattr(app.view_functions[endpoint], "scope", None)
        assert scope not in left_out, (page, method, path)


def test_no_figures_are_shown_to_who_may_not_list_executions(browser, browser_with, api):
    kept = api.workflow()
    api.ended(kept)
    limited = browser_with(*(scope for scope in SCOPES if scope != "execution:list"))
    for page, figure in (("/console/workflows", "<dt>Runs</dt>"), (f"/console/workflows/{kept.id}", "Runs in 7 days")):
        assert figure in browser.get(page).text
        assert figure not in limited.get(page).text


def test_a_dialog_offers_the_tags_that_its_key_may_list_and_keeps_those_that_are_carried(
    browser, browser_with, api, monkeypatch
):
    number = api.ended(api.workflow())
    carried = api.post("/tags", {"name": "urgent"}).json["id"]
    other = api.post("/tags", {"name": "later"}).json["id"]
    assert api.patch(f"/executions/{number}", {"annotation": {"tags": [carried]}}).status_code == 200
    dialog = f"/console/executions/bulk/tag?id={number}"
    monkeypatch.setattr("app.console.bulk.SUGGESTIONS", 0)
    assert f'value="{carried}" checked' in browser.get(dialog).text
    monkeypatch.undo()
    assert f'value="{other}">' in browser.get(dialog).text
    limited = browser_with(*(scope for scope in SCOPES if scope != "tag:list"))
    text = limited.get(dialog).text
    assert f'value="{carried}" checked' in text
    assert "later" not in text
    assert f'value="{carried}" selected' in limited.get(f"/console/executions?tag={carried}").text
