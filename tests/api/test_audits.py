"""The audit: n8n's report of what could be safer."""

from typing import Any

import pytest

from app.repository import audits
from app.repository.audits import nodes_of_types
from tests.api.conftest import Api
from tests.workflows import chain, node

CREDENTIAL = {"name": "Service", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "v"}}


@pytest.fixture
def api(api: Api, make_app, tmp_path) -> Api:
    api.client = make_app(EXECUTIONS_HOME=str(tmp_path)).test_client()
    return api


def stored(api: Api, *nodes: dict[str, Any], **more: Any) -> str:
    answer = api.post("/workflows", {**chain(*nodes), "name": "Audited", **more})
    assert answer.status_code == 200, answer.json
    return answer.json["id"]


def sections(api: Api, category: str, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """The locations of a category's findings by title."""
    answer = api.post("/audit", {"additionalOptions": {"categories": [category], **options}})
    assert answer.status_code == 200
    if answer.json == []:
        return {}
    [(title, report)] = answer.json.items()
    assert title == f"{category.capitalize()} Risk Report"
    assert report["risk"] == category
    for section in report["sections"]:
        assert section["description"]
        assert section["recommendation"]
    return {section["title"]: section["location"] for section in report["sections"]}


def test_nothing_to_find_is_an_empty_list(api) -> None:
    for body in (None, {}, {"additionalOptions": {}}, {"additionalOptions": None}, {"foo": 1}):
        answer = api.post("/audit", body)
        assert (answer.status_code, answer.json) == (200, [])


def test_credentials_that_nobody_uses(api) -> None:
    used, unused = (api.post("/credentials", {**CREDENTIAL, "name": name}).json["id"] for name in ("used", "unused"))
    asks = node("Ask", "httpRequest", {"url": "http://x"}, 4.2, credentials={"httpHeaderAuth": {"id": used}}, id="a")
    workflow_id = stored(api, node("Start", "manualTrigger", id="s"), asks)
    found = sections(api, "credentials")
    assert found["Credentials not used in any workflow"] == [{"kind": "credential", "id": unused, "name": "unused"}]
    for title in ("Credentials not used in any active workflow", "Credentials not used in recently executed workflows"):
        assert {each["id"] for each in found[title]} == {used, unused}
    api.post(f"/workflows/{workflow_id}/run", {})
    found = sections(api, "credentials", daysAbandonedWorkflow=1)
    assert [each["id"] for each in found["Credentials not used in recently executed workflows"]] == [unused]
    api.db.execute("UPDATE executions SET created_at = now() - interval '3 days'")
    api.db.commit()
    found = sections(api, "credentials", daysAbandonedWorkflow=1)
    assert len(found["Credentials not used in recently executed workflows"]) == 2


def test_nodes_that_are_dangerous(api) -> None:
    by_text = {"operation": "executeQuery", "query": "=SELECT {{ $json.x }}"}
    by_parameter = {"operation": "executeQuery", "query": "SELECT $1", "options": {"queryReplacement": "x"}}
    workflow_id = stored(
        api,
        node("Webhook", "webhook", {"path": "open"}, 2, id="h"),
        node("Null", "webhook", {"path": "null", "authentication": None}, 2, id="n"),
        node("Empty", "webhook", {"path": "empty", "authentication": ""}, 2, id="e"),
        node("Closed", "webhook", {"path": "closed", "authentication": "basicAuth"}, 2, id="l"),
        node("Bad", "postgres", by_text, 2.6, id="b"),
        node("Good", "postgres", by_parameter, 2.6, id="g"),
        node("Other", "postgres", {"operation": "select"}, 2.6, id="o"),
        node("Program", "code", {"jsCode": "return []"}, 2, id="c"),
        node("File", "readWriteFile", {}, 1, id="f"),
    )
    bad = {"kind": "node", "workflowId": workflow_id, "workflowName": "Audited", "nodeId": "b", "nodeName": "Bad"}
    assert sections(api, "database") == {
        'Expressions in "Execute Query" fields in SQL nodes': [{**bad, "nodeType": "n8n-nodes-base.postgres"}],
        'Unused "Query Parameters" fields in SQL nodes': [{**bad, "nodeType": "n8n-nodes-base.postgres"}],
    }
    assert [each["nodeName"] for each in sections(api, "nodes")["Official risky nodes"]] == ["Program"]
    assert [each["nodeName"] for each in sections(api, "filesystem")["Nodes that interact with the filesystem"]] == [
        "File"
    ]
    assert sections(api, "instance") == {}
    api.db.execute("UPDATE workflows SET active = true")
    api.db.commit()
    unprotected = sections(api, "instance")["Unprotected webhooks in instance"]
    assert [each["nodeName"] for each in unprotected] == ["Webhook", "Null", "Empty"], "as a call finds them"


def test_documents_of_any_shape_are_looked_at(api) -> None:
    for nodes in ([], [{"type": 7}], [{"type": "n8n-nodes-base.code", "parameters": 5, "credentials": "x"}]):
        api.workflow(nodes=nodes, connections={})
    api.workflow(nodes=[{"type": "n8n-nodes-base.webhook", "credentials": {"a": None, "b": [1], "c": {"id": 5}}}])
    api.workflow(nodes=[{"type": "n8n-nodes-base.code", "parameters": {"jsCode": "\0"}}])
    for options in (5, [], {}, {"queryReplacement": []}, {"queryReplacement": None}):
        given = {"operation": "executeQuery", "query": {"a": 1}, "options": options}
        api.workflow(nodes=[{"type": "n8n-nodes-base.postgres", "name": "Ask", "parameters": given}])
    assert api.post("/audit").status_code == 200
    assert len(sections(api, "database")['Unused "Query Parameters" fields in SQL nodes']) == 5


def test_of_long_names_and_parameters_little_is_read(api) -> None:
    given = {"jsCode": "x" * 1_000_000}
    api.workflow(nodes=[{"type": "n8n-nodes-base.code", "name": "n" * 600, "id": "i" * 600, "parameters": given}])
    [place] = sections(api, "nodes")["Official risky nodes"]
    assert (place["nodeName"], place["nodeId"]) == ("n" * 500, "i" * 500)
    [found] = nodes_of_types(api.db, ["n8n-nodes-base.code"])
    assert len(str(found)) < 2_000


def test_what_nodes_hold_is_taken_apart_once(api) -> None:
    parameters = {"project_id": None, "types": [], "limit": 1, "longest": 1}
    plan = "\n".join(line for (line,) in api.db.execute(f"EXPLAIN VERBOSE {audits.NODES}", parameters))
    assert "->>" not in plan
    assert "->  Result" in plan, "the nodes are a row of their own"


@pytest.mark.parametrize(
    "options",
    [
        {"categories": ["foo"]},
        {"categories": "credentials"},
        {"daysAbandonedWorkflow": 0},
        {"daysAbandonedWorkflow": "x"},
        {"daysAbandonedWorkflow": 10**9},
    ],
)
def test_what_cannot_be_asked(api, options) -> None:
    assert api.post("/audit", {"additionalOptions": options}).status_code == 400


def test_a_project_is_audited_by_itself(api) -> None:
    api.project("a"), api.project("b")
    for name in "ab":
        api.post("/credentials", {**CREDENTIAL, "projectId": name, "name": name})
        stored(api, node("Start", "manualTrigger"), node("Program", "code", {}, 2), name=name, projectId=name)
    report = api.with_key("of a", "securityAudit:generate", project_id="a").post("/audit").json
    told = {
        each.get("workflowName", each.get("name"))
        for category in report.values()
        for section in category["sections"]
        for each in section["location"]
    }
    assert told == {"a"}
