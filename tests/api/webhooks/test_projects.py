"""Webhooks of several projects side by side: nobody takes another's calls, or learns whose an address is."""

from typing import Any

import pytest

from app.repository import projects
from tests.api.conftest import Api
from tests.workflows import chain, node

ALL = ["workflow:create", "workflow:read", "workflow:update", "workflow:activate", "execution:list"]


@pytest.fixture
def tenants(api: Api) -> tuple[Api, Api]:
    """Keys that are limited to a project each: alpha, who attacks, and beta."""
    for project in ("alpha", "beta"):
        projects.create_project(api.db, project, project)
    return tuple(api.with_key(project, *ALL, project_id=project) for project in ("alpha", "beta"))


def hooked(path: str, webhook_id: str = "beta-hook-1", **parameters: Any) -> dict[str, Any]:
    hook = node("Hook", "webhook", {"path": path, **parameters}, 2, webhookId=webhook_id)
    return chain(hook, name="Payroll of Beta")


def activated(key: Api, body: dict[str, Any]):
    """The workflow's id, and what its activation was answered."""
    workflow_id = key.post("/workflows", body).json["id"]
    return workflow_id, key.post(f"/workflows/{workflow_id}/activate")


@pytest.mark.parametrize(
    "path",
    [
        *("beta-hook-1/users/42", "/beta-hook-1/users/42/", ":a/42", "users/:x", ":a/:b"),
        *("beta-hook-1", "beta-hook-1/users", "beta-hook-1/users/42/more", ":a", ":a/:b/:c"),
    ],
)
@pytest.mark.parametrize(
    "parameters", [{}, {"httpMethod": "POST"}, {"httpMethod": ["GET", "PUT"], "multipleMethods": True}]
)
def test_another_projects_calls_cannot_be_taken(tenants, path: str, parameters: dict[str, Any]) -> None:
    alpha, beta = tenants
    theirs, answer = activated(beta, hooked("users/:id"))
    assert answer.status_code == 200
    own, answer = activated(alpha, hooked(path, **parameters))
    assert answer.status_code == 409
    assert theirs not in answer.text
    assert "Payroll" not in answer.text
    assert "beta" not in answer.json["message"].replace(path.strip("/"), "")
    assert alpha.get(f"/workflows/{own}").json["active"] is False
    assert beta.with_key(None).call("GET", "/webhook/beta-hook-1/users/42").status_code == 200
    assert len(beta.get("/executions").json["data"]) == 1
    assert alpha.get("/executions").json["data"] == []


def test_a_save_cannot_take_them_either(tenants) -> None:
    alpha, beta = tenants
    assert activated(beta, hooked("users/:id"))[1].status_code == 200
    own, answer = activated(alpha, hooked("harmless"))
    assert answer.status_code == 200
    answer = alpha.put(f"/workflows/{own}", hooked("beta-hook-1/users/42"))
    assert answer.status_code == 409
    assert alpha.get(f"/workflows/{own}").json["nodes"][0]["parameters"]["path"] == "harmless"


def test_within_a_project_the_more_literal_one_of_the_method_is_called(tenants) -> None:
    _, beta = tenants
    names = {}
    for path, method in (("users/:id", "GET"), (":what/42", "GET"), ("beta-hook-1/users/42", "POST")):
        workflow_id, answer = activated(beta, hooked(path, httpMethod=method))
        assert answer.status_code == 200
        names[workflow_id] = path
    caller = beta.with_key(None)
    for method, path in (("POST", "users/42"), ("GET", "users/7"), ("GET", "orders/42")):
        assert caller.call(method, f"/webhook/beta-hook-1/{path}").status_code == 200
    called = [names[execution["workflowId"]] for execution in beta.get("/executions").json["data"]]
    assert called == [":what/42", "users/:id", "beta-hook-1/users/42"]
    assert caller.call("GET", "/webhook/beta-hook-1/users/42").status_code == 200
    assert caller.call("GET", "/webhook/beta-hook-1").status_code == 404


def test_a_webhook_id_that_nothing_could_call_is_refused(tenants) -> None:
    alpha, _ = tenants
    assert activated(alpha, hooked(":a", "beta-hook-1/users"))[1].status_code == 400


@pytest.mark.parametrize(
    ("theirs", "tried", "status", "called"),
    [
        ("pay/in", "pay%2Fin", 409, "pay/in"),
        ("pay%2Fin", "pay/in", 409, "pay%2Fin"),
        ("pay/in", "p%61y/in/%2f/", 409, "pay%2Fin/"),
        ("pay/in", " //pay/in/ ", 409, "pay/in//"),
        ("pay/\u00fc", "pay/%C3%BC", 409, "pay/%c3%bc"),
        ("pay/\ufffd", "pay/%FF", 409, "pay/%FE"),
        ("pay/%2561", "pay/%61", 200, "pay/%2561"),
        ("pay/in", "Pay/in", 200, "pay/in"),
        ("pay/\u00fc", "pay/u\u0308", 200, "pay/%C3%BC"),
        ("pay/in", "pay\uff0fin", 200, "pay/in"),
        *(
            ("pay/in", path, 400, "pay/in")
            for path in ("pay/./in", "pay/x/../in", "pay/%2e%2E/in", "pay\\in", "pay/in?")
        ),
        *(("pay/in", path, 400, "pay/in") for path in ("pay/in#x", "pay/\tin", "pay/in%00")),
        *(("pay/in", path, 400, "pay/in") for path in ("pay//in", "pay/%2fin")),
    ],
)
def test_what_clients_take_for_one_path_is_one_project_s(tenants, theirs, tried, status, called) -> None:
    alpha, beta = tenants
    answer = activated(beta, hooked(theirs, ""))[1]
    assert answer.status_code == 200
    assert activated(alpha, hooked(tried, ""))[1].status_code == status
    assert beta.with_key(None).call("GET", f"/webhook/{called}").status_code == 200
    assert [len(key.get("/executions").json["data"]) for key in (beta, alpha)] == [1, 0]
    [listed] = beta.get("/webhooks").json["data"]
    assert beta.with_key(None).call("GET", "/webhook/" + listed["url"].partition("/webhook/")[2]).status_code == 200
    assert len(beta.get("/executions").json["data"]) == 2, "the address that is shown leads there"


def test_a_path_with_two_slashes_from_before_the_upgrade_is_called_and_can_be_saved_but_not_asked_for(tenants) -> None:
    _, beta = tenants
    workflow_id, answer = activated(beta, hooked("pay/in", ""))
    assert answer.status_code == 200
    beta.db.execute("UPDATE webhooks SET path = 'pay//in', pattern = 'pay//in'")
    beta.db.commit()
    caller = beta.with_key(None)
    assert [caller.call("GET", f"/webhook/{path}").status_code for path in ("pay//in", "pay/in")] == [200, 404]
    assert beta.put(f"/workflows/{workflow_id}", hooked("pay//in", "", httpMethod="POST")).status_code == 200
    refused = beta.put(f"/workflows/{workflow_id}", hooked("pay//out", ""))
    assert (refused.status_code, "two slashes in a row" in refused.json["message"]) == (400, True)
    assert caller.call("POST", "/webhook/pay//in").status_code == 200
    for act, status in (("activate", 200), ("deactivate", 200), ("activate", 400)):
        assert beta.post(f"/workflows/{workflow_id}/{act}").status_code == status


def test_a_path_that_no_webhook_can_have_meets_none(tenants) -> None:
    caller = tenants[0].with_key(None)
    assert [caller.call("GET", f"/webhook/{path}").status_code for path in ("a%00b", "a/%2e%2e/b")] == [400, 404]
