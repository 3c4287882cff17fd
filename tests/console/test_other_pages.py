"""Problems, workflows and the engine room."""

import re

import pytest

from app.console import addresses
from app.repository import failure_groups, workers
from tests.workflows import node, workflow

NOTE = """
    INSERT INTO execution_metadata (execution_id, key, value)
    SELECT max(e.id), 'customer', '<Ada>' FROM executions AS e
"""


def test_problems_are_grouped_and_changed_by_calls_of_the_api(browser, api, workflow):
    for number in range(3):
        api.ended(workflow, "error", error_message=f"No stock for order {number}")
        api.db.execute(NOTE)
    settle(api)
    page = browser.get("/console/problems").text
    assert page.count('class="card problem-row"') == 1
    assert "<strong>3</strong>" in page
    number = re.search(r"/console/problems/(\d+)", page)[1]
    page = browser.get(f"/console/problems/{number}").text
    assert "Retry all" in page
    assert page.count('class="row ') == 3
    for state in ("handled", "muted"):
        said = f'data-api="PATCH /api/v1/problems/{number}" data-body=\'{{"status": "{state}"}}\''
        assert said in page
    affected = re.search(r'href="([^"]+)">&lt;Ada&gt; .3</a>', page)[1].replace("&amp;", "&")
    listed = browser.get(affected).text
    assert listed.count('class="row ') == 3
    assert f'name="problem" value="{number}" checked' in listed
    dialog = browser.get(f"/console/executions/bulk/retry?problem={number}").text
    assert "All failures of this problem" in dialog
    assert "none is marked" in browser.get("/console/problems?status=handled").text.lower()
    assert browser.get("/console/problems/x").status_code == 404


def settle(api):
    """Let what workers do in passing group the failures."""
    while failure_groups.group_some(api.db):
        pass
    api.db.commit()


def test_workflows_show_how_they_went(browser, api, workflow):
    api.ended(workflow)
    failed = api.ended(workflow, "error")
    other = api.workflow(name="Something else")
    page = browser.get("/console/workflows").text
    assert page.count('class="card workflow-row"') == 2
    assert re.search(rf'href="/console/executions/{failed}" class="s-error"', page)
    assert "50 %" in page
    assert "Customer" not in browser.get("/console/workflows?name=something").text
    assert other.name in browser.get("/console/workflows?active=false").text
    assert "No workflow matches" in browser.get("/console/workflows?active=true").text


def test_one_workflow_shows_its_addresses_versions_and_a_form(browser, api):
    hook = node("Hook", "webhook", {"path": "orders/:id", "httpMethod": "POST"}, 2, webhookId="abc")
    document = workflow([hook], name="Hooked")
    made = api.post("/workflows", document).json["id"]
    assert api.post(f"/workflows/{made}/activate").status_code == 200
    changed = {**document, "nodes": [{**hook, "notes": "new"}]}
    api.put(f"/workflows/{made}", changed)
    page = browser.get(f"/console/workflows/{made}").text
    assert "/webhook/abc/orders/:id</code>" in page
    assert f'data-path="/api/v1/workflows/{made}/run"' in page
    assert f'data-api="POST /api/v1/workflows/{made}/deactivate"' in page
    version = re.search(rf"/console/workflows/{made}/versions/([\w-]+)", page)[1]
    assert "&#34;notes&#34;: &#34;new&#34;" in browser.get(f"/console/workflows/{made}/versions/{version}").text
    assert browser.get(f"/console/workflows/{made}/versions/none").status_code == 404
    assert browser.get("/console/workflows/none").status_code == 404


def test_addresses_are_shown_before_they_work_and_are_those_that_work_then(browser, api):
    nodes = [
        node("Hook", "webhook", {"path": "orders/:id", "httpMethod": "POST"}, 2, webhookId="abc"),
        node("Form", "formTrigger", {"path": "ask us", "formTitle": "Ask"}, 2, webhookId="f2"),
        node("Old form", "formTrigger", {"path": "f1", "formTitle": "Ask"}, 1, webhookId="f1"),
        node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger", {"public": True}, 1.1, webhookId="c1"),
        node("Off", "webhook", {"path": "off"}, 2, disabled=True),
    ]
    made = api.post("/workflows", workflow(nodes, name="Called")).json["id"]

    def shown():
        return re.findall(r"<code>(?:http://[^/]+)(/[^<]+)</code>", browser.get(f"/console/workflows/{made}").text)

    planned = shown()
    assert planned == ["/webhook/abc/orders/:id", "/form/ask us", "/webhook/f1/n8n-form", "/webhook/c1/chat"]
    page = browser.get(f"/console/workflows/{made}").text
    assert "Once it is, these addresses start it" in page
    assert '<span class="tag">GET</span> <span class="tag">POST</span> <code>http://' in page
    assert api.post(f"/workflows/{made}/activate").status_code == 200
    assert sorted(shown()) == sorted(planned)
    assert "Once it is" not in browser.get(f"/console/workflows/{made}").text
    listed = {hook["url"].partition("/")[2].partition("/")[2] for hook in api.get("/webhooks").json["data"]}
    assert {f"/{url.partition('/')[2]}" for url in listed} == set(planned)
    assert all(f"<code>{path}</code>" in browser.get("/console/engine-room").text for path in planned)
    for path in planned[1:]:
        assert browser.get(path).status_code == 200
    nodes = [node("Hook", "webhook", {"path": "a//b"}, 2)]
    refused = api.post("/workflows", workflow(nodes, name="Refused")).json["id"]
    assert "two slashes in a row" in browser.get(f"/console/workflows/{refused}").text


def test_of_a_draft_with_many_nodes_only_some_that_are_called_are_looked_at(monkeypatch):
    looked: list[str] = []
    monkeypatch.setattr(addresses, "addresses_of_node", lambda node, definition: looked.append(node["name"]) or [])
    called = [node(f"Hook {number}", "webhook") for number in range(addresses.MAX_NODES + 9)]
    others = [node("Done", "noOp"), node("Off", "webhook", disabled=True), "odd", node("Chat", "x.chatTrigger")]
    [told] = addresses.planned_addresses({"nodes": [*others, *called]})
    assert told.node == "10 more nodes"
    assert addresses.planned_addresses({"nodes": called[: addresses.MAX_NODES]}) == []
    del looked[addresses.MAX_NODES :]
    assert looked == ["Chat", *(each["name"] for each in called[: addresses.MAX_NODES - 1])]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"path": "={{ $vars.place }}"}, "made by an expression"),
        ({"path": "a?b"}, "asks for an address that cannot be one"),
        ({"path": "a", "httpMethod": "SEND"}, "has an unknown method"),
        ({"path": "a", "options": ["odd"], "authentication": 7}, "The parameters of node"),
    ],
)
def test_a_draft_without_an_address_says_why(browser, api, parameters, said):
    hook = {**node("Hook", "webhook", None, 2), "parameters": parameters}
    made = api.post("/workflows", workflow([hook], name="Odd")).json["id"]
    page = browser.get(f"/console/workflows/{made}")
    assert (page.status_code, said in page.text) == (200, True)


def test_the_engine_room_shows_workers_and_the_queue(browser, api, workflow):
    workers.register(api.db, hostname="machine-1", pid=7, concurrency=20)
    api.db.commit()
    api.queue(workflow)
    api.post("/tags", {"name": "urgent"})
    made = "INSERT INTO retry_jobs (wanted, load_workflow, above, matched, retried) VALUES ('{}', false, 0, 9000, 17)"
    api.db.execute(made)
    api.db.commit()
    page = browser.get("/console/engine-room").text
    for text in (
        "machine-1",
        "0 of 20",
        "Customer Onboarding",
        "urgent",
        "Largest tables",
        "API keys",
        "None is installed",
        "17 of 9,000",
    ):
        assert text in page, text
    assert "There is no worker" not in page
    assert "examination" in page
    api.db.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour'")
    api.db.commit()
    page = browser.get("/console/engine-room").text
    assert '<span class="tag">lost</span>' in page
    assert "There is no worker: what is started waits" in page, "where all are lost, too"
    assert "PostgreSQL" in browser.get("/console/engine-room/examination").text


def test_a_project_sees_no_machines_and_only_its_own(browser_with, api, workflow):
    workers.register(api.db, hostname="machine-1", pid=7, concurrency=20)
    api.db.commit()
    api.queue(workflow)
    limited = browser_with("*", project_id=api.project("other"))
    page = limited.get("/console/engine-room").text
    for text in ("machine-1", "Customer Onboarding", "Largest tables", "API keys", "Doctor"):
        assert text not in page, text
    assert limited.get("/console/engine-room/examination").status_code == 403
    assert limited.get("/console/workflows/first").status_code == 404
    assert "No workflow matches" in limited.get("/console/workflows").text


def test_a_key_that_only_sees_workflows_begins_there(browser_with, workflow):
    limited = browser_with("workflow:list")
    assert limited.get("/console/").location == "/console/workflows"
    page = limited.get("/console/workflows").text
    assert "Customer Onboarding" in page
    assert ">Problems</a>" not in page


def test_no_page_tells_anything_of_another_project(browser, browser_with, api, workflow):
    number = api.ended(workflow, "error", error_message="Beta's secret", error_node="Ledger")
    api.db.execute(NOTE)
    settle(api)
    assert 'value="customer"' in browser.get("/console/executions/keys").text
    problem = api.db.execute("SELECT max(id) FROM problems").fetchone()
    assert problem[0]
    assert "Beta&#39;s secret" in browser.get(f"/console/executions/{number}").text
    own = api.workflow(api.project("other"), "own", name="Alpha's own")
    mine = api.ended(own)
    limited = browser_with("*", project_id="other")
    filled = {
        "execution_id": str(number),
        "workflow_id": workflow.id,
        "version_id": str(workflow.version_id),
        "problem_id": str(problem[0]),
        "action": "delete",
    }
    rules = [rule for rule in api.client.application.url_map.iter_rules() if rule.rule.startswith("/console/")]
    rules = [rule for rule in rules if "GET" in rule.methods and not rule.arguments & {"rest", "name"}]
    assert len(rules) > 15
    query = f"node=Ledger&with={number}&workflowId={workflow.id}&id={number}&after=0&search=Beta&projectId=default"
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: filled[found[1]], rule.rule)
        answer = limited.get(f"{path}?{query}")
        if rule.arguments - {"action"}:
            assert answer.status_code == 404, path
        assert answer.status_code < 500, path
        for secret in ("Beta&#39;s", "Beta's", "Customer Onboarding", 'Ledger"', 'customer"', "Ada"):
            assert secret not in answer.text, (path, secret)
    compared = limited.get(f"/console/executions/{mine}/compare?with={number}")
    assert "Beta" not in compared.text
    assert "Customer" not in compared.text
