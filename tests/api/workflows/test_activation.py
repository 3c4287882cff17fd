"""Activation reads a workflow's triggers within a bounded time, before it locks anything."""

import json
import time
from contextlib import ExitStack
from typing import Any

import pytest

from app import workflow_rules
from app.api import object_locks
from app.api.evaluating import evaluating
from app.api.face.long_calls import EVALUATIONS_WANTED_EACH
from app.api.workflows.registration import TOO_MANY
from app.repository import connection as connection_module
from app.repository import workflows
from app.triggers import InvalidTrigger
from app.triggers.schedules import MAX_RULES, schedules_of
from app.triggers.webhooks import MAX_WEBHOOKS, webhooks_of
from app.workflow_rules import EngineRules
from tests.workflows import chain, node, workflow

SORTED = {"sortFieldsUi": {"sortField": [{}, {}]}}


def hook(path: str, name: str = "Webhook", **parameters: Any) -> dict[str, Any]:
    return node(name, "webhook", {"path": path, "options": {}, **parameters}, 2, webhookId=name)


def saved(api, document: dict[str, Any]) -> str:
    answer = api.post("/workflows", document)
    assert answer.status_code == 200, answer.json
    return answer.json["id"]


def addresses(api) -> set[str]:
    return {row[0] for row in api.db.execute("SELECT path FROM webhooks").fetchall()}


def test_all_expressions_have_one_deadline(api, monkeypatch) -> None:
    monkeypatch.setattr(workflow_rules, "ACTIVATION_SECONDS", 1.5)
    busy = "={{ (() => { const end = Date.now() + 900; while (Date.now() < end); return 'p%d' })() }}"
    document = workflow([hook(busy % number, f"Webhook {number}") for number in range(6)])
    workflow_id = saved(api, document)
    answer = api.post(f"/workflows/{workflow_id}/activate")
    assert (answer.status_code, answer.json["message"]) == (
        400,
        "The expressions of the workflow's triggers take longer than 5 seconds",
    )
    assert api.get(f"/workflows/{workflow_id}").json["active"] is False


@pytest.mark.parametrize(
    ("interval", "line"),
    [
        ({"field": "cronExpression", "expression": '={{ "*/" + 2 + " * * * * *" }}'}, "*/2 * * * * *"),
        ({"field": "={{ 'seconds' }}", "secondsInterval": "={{ 1 + 1 }}"}, "*/2 * * * * *"),
        ({"field": "days", "triggerAtHour": "={{ Math.min(7, 9) }}", "triggerAtMinute": "=5"}, "5 7 * * *"),
    ],
)
def test_the_expressions_of_a_schedule_are_evaluated(api, interval: dict[str, Any], line: str) -> None:
    trigger = node("Often", "scheduleTrigger", {"rule": {"interval": [interval]}}, 1.2)
    assert api.post(f"/workflows/{saved(api, chain(trigger))}/activate").status_code == 200
    [(rule,)] = api.db.execute("SELECT rule FROM schedules").fetchall()
    assert json.loads(rule)["cron"] == line


SAID = "Cannot publish workflow: "


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (
            [node("A", "crypto", {"action": "hmac"})],
            '1 node have configuration issues:\n\nNode "A":\n  - Missing or invalid required parameters: value, secret',
        ),
        (
            [node("A", "emailSend", {"fromEmail": "a@b.c"}, 2.1), node("B", "sort", SORTED)],
            '2 nodes have configuration issues:\n\nNode "A":\n  - Missing required credential: smtp'
            "\n  - Missing or invalid required parameters: toEmail"
            '\n\nNode "B":\n  - Missing or invalid required parameters: fieldName',
        ),
        (
            [node("A", "postgres", {"operation": "executeQuery", "query": "x"}, 2.5, credentials={"postgres": {}})],
            '1 node have configuration issues:\n\nNode "A":\n  - Credential not configured: postgres',
        ),
    ],
)
def test_nodes_that_lack_something_keep_a_workflow_from_being_active(
    api, nodes: list[dict[str, Any]], said: str
) -> None:
    path = f"/workflows/{saved(api, chain(hook('lacking'), *nodes))}"
    refused = api.post(f"{path}/activate")
    assert (refused.status_code, refused.json["message"]) == (400, SAID + said)
    assert addresses(api) == set()


def test_nodes_that_are_off_or_loose_may_lack_anything(api) -> None:
    lacking = node("A", "stopAndError", disabled=True)
    document = {**chain(hook("loose"), lacking), "nodes": [hook("loose"), lacking, node("B", "stopAndError")]}
    assert api.post(f"/workflows/{saved(api, document)}/activate").status_code == 200


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch, database_url: str):
    """Lets something happen, once, while expressions are evaluated; with nothing locked."""

    def arrange(act) -> None:
        pending = [act]
        original = EngineRules.without_expressions

        def evaluate(self: EngineRules, document: dict[str, Any], read_variables: Any) -> dict[str, Any]:
            if pending:
                with connection_module.connect(database_url) as connection:
                    connection.execute("SELECT 1 FROM workflows FOR UPDATE NOWAIT")
                pending.pop()()
            return original(self, document, read_variables)

        monkeypatch.setattr(EngineRules, "starts_by_expressions", lambda *_: True)
        monkeypatch.setattr(EngineRules, "without_expressions", evaluate)

    return arrange


def test_a_path_can_be_made_of_variables(api) -> None:
    api.post("/variables", {"key": "area", "value": "north"})
    workflow_id = saved(api, chain(hook("={{ $vars.area }}/orders")))
    assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200
    assert addresses(api) == {"north/orders"}


def test_the_version_that_was_read_is_the_one_that_is_activated(api, meanwhile) -> None:
    workflow_id = saved(api, chain(hook("before")))
    meanwhile(lambda: api.put(f"/workflows/{workflow_id}", chain(hook("after"))))
    assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200
    assert addresses(api) == {"after"}


def test_a_save_during_which_the_workflow_is_activated_registers_what_it_saved(api, monkeypatch) -> None:
    workflow_id = saved(api, chain(hook("before")))
    original, pending = workflows.lock_definition, [True]
    monkeypatch.setattr(api.services.long_calls.changes, "_each", 2)  # as in two processes

    def lock(*args: Any) -> bytes:
        if pending and pending.pop():
            assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200
        return original(*args)

    monkeypatch.setattr(workflows, "lock_definition", lock)
    answer = api.put(f"/workflows/{workflow_id}", chain(hook("after")))
    assert (answer.status_code, answer.json["active"]) == (200, True)
    assert addresses(api) == {"after"}


def test_one_that_is_changed_again_and_again_is_409(api, monkeypatch) -> None:
    workflow_id = saved(api, chain(hook("path-0")))
    original, number = EngineRules.without_expressions, iter(range(1, 99))

    def evaluate(self: EngineRules, document: dict[str, Any], read_variables: Any) -> dict[str, Any]:
        assert api.put(f"/workflows/{workflow_id}", chain(hook(f"path-{next(number)}"))).status_code == 200
        return original(self, document, read_variables)

    monkeypatch.setattr(EngineRules, "starts_by_expressions", lambda *_: True)
    monkeypatch.setattr(EngineRules, "without_expressions", evaluate)
    assert api.post(f"/workflows/{workflow_id}/activate").status_code == 409
    assert addresses(api) == set()


def test_triggers_have_a_number(api) -> None:
    many = workflow([hook(f"p{number}", f"Webhook {number}") for number in range(MAX_WEBHOOKS + 1)])
    assert api.post(f"/workflows/{saved(api, many)}/activate").status_code == 400
    assert len(webhooks_of(workflow(many["nodes"][:-1]))) == MAX_WEBHOOKS
    rules = {"rule": {"interval": [{"field": "hours"}] * (MAX_RULES + 1)}}
    with pytest.raises(InvalidTrigger, match="at most 100 rules"):
        schedules_of(workflow([node("Schedule", "scheduleTrigger", rules, 1.2)]))


def test_ways_to_a_response_take_time_by_the_connections() -> None:
    def cpu_seconds(length: int) -> float:
        nodes = [hook(f"p{number}", f"Webhook {number}") for number in range(MAX_WEBHOOKS)]
        row = [node(f"N{number}", "noOp") for number in range(length)]
        lines = [(each["name"], "N0") for each in nodes] + [(f"N{n}", f"N{n + 1}") for n in range(length - 1)]
        document = workflow(nodes + row, *lines)
        began = time.thread_time()
        webhooks_of(document)
        return time.thread_time() - began

    empty, long = min(cpu_seconds(1) for _ in range(3)), min(cpu_seconds(20_000) for _ in range(3))
    one = min(timed_walk(20_000) for _ in range(3))
    assert long < empty + 20 * one


def timed_walk(length: int) -> float:
    """What it takes to look at so many nodes and connections once."""
    document = workflow(
        [node(f"N{n}", "noOp") for n in range(length)], *[(f"N{n}", f"N{n + 1}") for n in range(length - 1)]
    )
    began = time.thread_time()
    seen = {each["name"] for each in document["nodes"]}
    for source, outputs in document["connections"].items():
        for target in outputs["main"][0]:
            seen.add(source + target["node"])
    return time.thread_time() - began


def test_an_active_trigger_that_polls_has_its_times_and_looks_at_once(api) -> None:
    times = {"item": [{"mode": "everyMinute"}, {"mode": "everyX", "value": "={{ 10 + 5 }}", "unit": "minutes"}]}
    feed = node("Feed", "rssFeedReadTrigger", {"feedUrl": "http://feed.example/", "pollTimes": times})
    workflow_id = saved(api, chain(feed))
    assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200
    found = "SELECT s.rule ->> 'cron', s.rule ->> 'polls' FROM schedules AS s ORDER BY s.rule_index"
    lines = api.db.execute(found).fetchall()
    assert [line.split()[1] for line, _ in lines] == ["*", "*/15"]
    assert {polls for _, polls in lines} == {"true"}
    looks = "SELECT p.node, p.due_at <= clock_timestamp() FROM polls AS p"
    assert api.db.execute(looks).fetchall() == [("Feed", True)]
    assert api.post(f"/workflows/{workflow_id}/deactivate").status_code == 200
    assert api.db.execute(looks).fetchall() == []


def test_a_text_that_expressions_make_of_nul_keeps_no_workflow_active(api) -> None:
    document = chain(hook("nul", responseData="={{ 'a' + String.fromCharCode(0) }}", responseMode="onReceived"))
    document["nodes"][0]["parameters"]["options"] = {"responseData": "={{ String.fromCharCode(0) }}"}
    workflow_id = saved(api, document)
    for path in ("activate", "activate", "deactivate"):
        answer = api.post(f"/workflows/{workflow_id}/{path}")
        assert answer.status_code == 200, answer.json


def test_activations_of_one_project_leave_threads_and_places_to_others(api) -> None:
    with ExitStack() as busy:
        for _ in range(EVALUATIONS_WANTED_EACH):
            busy.enter_context(api.services.long_calls.evaluations_wanted.taken("default"))
        workflow_id = saved(api, chain(hook("={{ 'a' }}", responseMode="onReceived")))
        answer = api.post(f"/workflows/{workflow_id}/activate")
        assert (answer.status_code, answer.json["message"]) == (503, TOO_MANY)
        assert answer.headers["Retry-After"] == "2"
        with api.client.application.app_context(), evaluating(TOO_MANY, "another"):
            pass
        plain = saved(api, chain(hook("plain")))
        assert api.post(f"/workflows/{plain}/activate").status_code == 200
    assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200


def test_calls_that_change_the_same_workflow_wait_without_a_connection(api, monkeypatch) -> None:
    monkeypatch.setattr(object_locks, "PATIENCE_SECONDS", 0.0)
    busy, other = (saved(api, chain(hook(path))) for path in ("busy", "other"))
    with api.services.long_calls.changes.taken(busy):
        answer = api.post(f"/workflows/{busy}/activate")
        assert (answer.status_code, answer.json["message"]) == (503, object_locks.BUSY)
        assert answer.headers["Retry-After"] == "1"
        assert api.post(f"/workflows/{busy}/deactivate").status_code == 503
        assert api.put(f"/workflows/{busy}", chain(hook("saved"))).status_code == 503
        assert api.post(f"/workflows/{other}/activate").status_code == 200
    assert api.post(f"/workflows/{busy}/activate").status_code == 200
