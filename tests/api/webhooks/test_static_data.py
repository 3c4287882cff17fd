"""What programs keep from one execution to the next, in the parts that they change."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.webhooks.conftest import FAILS, Hook, Site, webhook
from tests.patience import wait_until
from tests.workflows import code, node

COUNT = code(
    "const all = $getWorkflowStaticData('global'), mine = $getWorkflowStaticData('node');\n"
    "all.count = (all.count || 0) + 1; mine.tens = (mine.tens || 0) + 10;\n"
    "return [{json: {count: all.count, tens: mine.tens}}];",
    "Count",
)


def kept(site: Site, hook: Hook, expected: Any = ...) -> Any:
    """The workflow's staticData, once it is what is expected."""

    def found() -> Any:
        return site.server.get(f"/api/v1/workflows/{hook.workflow_id}").body["staticData"]

    wait_until(lambda: expected is ... or found() == expected, found, pause=0.05)
    return found()


def test_the_next_execution_finds_what_the_last_one_left(site: Site) -> None:
    hook = site.add(webhook(), COUNT, name="Keeps")
    assert [site.call("GET", hook.path).json["count"] for _ in range(3)] == [1, 2, 3]
    expected = {"global": {"count": 3}, "node:Count": {"tens": 30}}
    assert kept(site, hook) == expected
    listed = site.server.get("/api/v1/workflows?name=Keeps").body["data"]
    assert [each["staticData"] for each in listed] == [expected]


def test_a_failure_after_the_change_keeps_it_and_a_failure_in_the_program_does_not(site: Site) -> None:
    hook = site.add(webhook(), COUNT, FAILS)
    assert site.call("GET", hook.path).status == 500
    assert kept(site, hook)["global"] == {"count": 1}
    broken = code("$getWorkflowStaticData('global').count = 5; throw new Error('no')")
    hook = site.add(webhook(), broken)
    assert site.call("GET", hook.path).status == 500
    assert kept(site, hook) is None


@pytest.mark.parametrize(
    "program",
    [
        node("F", "function", {"functionCode": "getWorkflowStaticData('global').n = 1; return items;"}),
        node("F", "functionItem", {"functionCode": "getWorkflowStaticData('global').n = 1; return item;"}),
        node("F", "code", {"mode": "runOnceForEachItem", "jsCode": "$getWorkflowStaticData('global').n = 1"}, 2),
    ],
    ids=["function", "functionItem", "each-item"],
)
def test_every_kind_of_program_can_keep_something(site: Site, program: dict[str, Any]) -> None:
    hook = site.add(webhook(), program)
    site.call("GET", hook.path)
    assert kept(site, hook) == {"global": {"n": 1}}


def test_a_manual_run_sees_it_and_leaves_it_alone(site: Site) -> None:
    hook = site.add(webhook(), COUNT)
    site.call("GET", hook.path)
    run = site.server.post(f"/api/v1/workflows/{hook.workflow_id}/run", {"wait": 60})
    assert run.body["status"] == "success"
    [counted] = site.latest(hook)["data"]["resultData"]["runData"]["Count"]
    assert counted["data"]["main"][0][0]["json"] == {"count": 2, "tens": 20}
    assert kept(site, hook) == {"global": {"count": 1}, "node:Count": {"tens": 10}}


def test_what_was_kept_before_a_wait_is_there_after_it(site: Site) -> None:
    wait = node("Wait", "wait", {"resume": "webhook"}, 1.1, webhookId="w")
    again = {**COUNT, "name": "Again", "id": "again"}
    hook = site.add(webhook(responseMode="onReceived"), COUNT, wait, again)
    site.call("GET", hook.path)
    kept(site, hook, {"global": {"count": 1}, "node:Count": {"tens": 10}})
    due = "UPDATE executions SET wait_till = now() WHERE workflow_id = %s AND status = 'waiting' RETURNING id"
    wait_until(lambda: site.query(due, hook.workflow_id))
    kept(site, hook, {"global": {"count": 2}, "node:Count": {"tens": 10}, "node:Again": {"tens": 10}})


def test_executions_at_once_keep_their_own_nodes_parts(site: Site) -> None:
    keep = "await new Promise(done => setTimeout(done, 300)); $getWorkflowStaticData('node').at = 1; return []"
    route = node("Route", "if", {"conditions": {"string": [{"value1": "={{ $json.query.way }}", "value2": "a"}]}})
    hook_node = webhook(responseMode="onReceived")
    workflow_id = site.save(
        [hook_node, route, code(keep, "A"), code(keep, "B")],
        ("Webhook", 0, "Route", 0),
        ("Route", 0, "A", 0),
        ("Route", 1, "B", 0),
    )
    assert site.activate(workflow_id).status == 200
    hook = Hook(workflow_id, hook_node["parameters"]["path"])
    callers = [threading.Thread(target=site.call, args=("GET", f"{hook.path}?way={way}")) for way in "ab"]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    kept(site, hook, {"node:A": {"at": 1}, "node:B": {"at": 1}})


def test_a_save_without_it_keeps_it_and_one_with_it_replaces_it(site: Site) -> None:
    hook = site.add(webhook(), COUNT)
    site.call("GET", hook.path)
    path = f"/api/v1/workflows/{hook.workflow_id}"
    document = site.server.get(path).body
    before = document["versionId"]
    static_data = document.pop("staticData")
    saved = site.server.call("PUT", path, document).body
    assert (saved["staticData"], saved["versionId"]) == (static_data, before)
    assert site.server.call("PUT", path, {**document, "staticData": {"global": {"count": 100}}}).status == 200
    assert site.call("GET", hook.path).json == {"count": 101, "tens": 10}
    assert site.server.call("PUT", path, {**document, "staticData": None}).body["staticData"] is None


def test_no_count_is_lost_of_executions_at_once(site: Site) -> None:
    hook = site.add(webhook(), COUNT)
    with ThreadPoolExecutor(10) as callers:
        counts = list(callers.map(lambda _: site.call("GET", hook.path).json["count"], range(40)))
    assert sorted(counts) == list(range(1, 41))
    assert kept(site, hook) == {"global": {"count": 40}, "node:Count": {"tens": 400}}


def test_it_is_kept_as_soon_as_the_program_has_ended(site: Site) -> None:
    hook = site.add(webhook(responseMode="onReceived"), COUNT, node("Wait", "wait", {"amount": 3000}, 1.1))
    site.call("GET", hook.path)
    assert kept(site, hook, {"global": {"count": 1}, "node:Count": {"tens": 10}})
