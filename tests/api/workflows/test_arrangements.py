"""Triggers of packages that providers call: activation waits for what is arranged, and says what a provider says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import orjson
import pytest
from flask import Response

from app.api.face.long_calls import ARRANGEMENTS_EACH
from app.api.workflows.arrangements import TOO_MANY
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.node_types import NodeType, NodeTypes
from app.repository import connection as connection_module
from app.repository import trigger_hooks, workers
from app.repository.trigger_hooks import Hook
from app.web import NAME
from tests.workflows import chain, no_op, node

WEBHOOKS = [
    {"name": "setup", "httpMethod": "GET", "path": "=in/{{ $parameter.place }}"},
    {"name": "default", "httpMethod": "POST", "path": "=in/{{ $parameter.place }}", "responseMode": "onReceived"},
]
URLS = dict.fromkeys(("setup", "default"), "http://127.0.0.1:8000/webhook/h1/in/a")


async def arrange(context, action: str, urls: dict[str, str]) -> None:
    """Never called: the tests play the worker."""


@pytest.fixture
def called(api, monkeypatch) -> None:
    """The type of node that is called, as a package would bring it."""
    rules = api.client.application.extensions[NAME].rules
    further = NodeTypes()
    further.add(NodeType("acme.hooked", (1,), pass_on, trigger=True, webhooks=lambda *_: WEBHOOKS, arrange=arrange))
    types = rules._types.copy()
    types.further = further
    monkeypatch.setattr(rules, "_types", types)


@contextmanager
def provider(database_url: str, answer: Callable[[Hook], str | None]) -> Iterator[list[tuple[str, str, dict]]]:
    """A worker that arranges with a provider; gives what it was asked."""
    asked, ended = [], threading.Event()

    def work() -> None:
        with connection_module.connect(database_url, autocommit=True) as connection:
            worker_id = workers.register(connection, hostname="h", pid=1, concurrency=1)
            while not ended.wait(0.01):
                for hook in trigger_hooks.take(connection, worker_id, 10):
                    asked.append((hook.action, hook.trigger.node, orjson.loads(hook.urls)))
                    trigger_hooks.end(connection, worker_id, hook, answer(hook))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield asked
    finally:
        ended.set()
        thread.join()


def saved(api, *more: dict) -> str:
    trigger = node("Called", "acme.hooked", {"place": "a"}, webhookId="h1")
    answer = api.post("/workflows", chain(trigger, *more))
    assert answer.status_code == 200, answer.json
    return answer.json["id"]


@pytest.mark.usefixtures("called")
def test_it_is_active_once_its_provider_calls_it_and_called_no_more_afterwards(api, database_url) -> None:
    workflow_id = saved(api)
    with provider(database_url, lambda hook: None) as asked:
        assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200
        assert asked == [("create", "Called", URLS)]
        addresses = api.db.execute("SELECT h.method, h.path FROM webhooks AS h ORDER BY h.method").fetchall()
        assert addresses == [("GET", "h1/in/a"), ("POST", "h1/in/a")]
        document = chain(node("Called", "acme.hooked", {"place": "a"}, webhookId="h1"), no_op("More"))
        assert api.put(f"/workflows/{workflow_id}", document).status_code == 200
        assert asked[1:] == [("create", "Called", URLS)], "a save looks whether it is there"
        assert api.post(f"/workflows/{workflow_id}/deactivate").status_code == 200
    assert [action for action, *_ in asked][:2] == ["create", "create"]
    left = api.db.execute("SELECT h.action, h.urls FROM trigger_hooks AS h").fetchall()
    assert [(action, orjson.loads(urls)) for action, urls in left] == [("delete", URLS)]


@pytest.mark.usefixtures("called")
def test_what_the_provider_says_is_said_and_it_is_not_active(api, database_url) -> None:
    workflow_id = saved(api)
    with provider(database_url, lambda hook: "You have 10 of 10 webhooks" if hook.action == "create" else None):
        answer = api.post(f"/workflows/{workflow_id}/activate")
    assert (answer.status_code, answer.json["message"]) == (
        400,
        "The trigger 'Called' could not be set up: You have 10 of 10 webhooks",
    )
    assert api.get(f"/workflows/{workflow_id}").json["active"] is False
    assert api.db.execute("SELECT count(*) FROM webhooks").fetchone() == (0,)


@pytest.mark.usefixtures("called")
def test_without_a_worker_it_is_said(api, monkeypatch) -> None:
    monkeypatch.setattr("app.api.workflows.arrangements.PATIENCE_SECONDS", 0.0)
    answer = api.post(f"/workflows/{saved(api)}/activate")
    assert answer.status_code == 503
    assert "see that one runs" in answer.json["message"]


@pytest.mark.usefixtures("called")
def test_those_of_one_project_leave_threads_to_others(api, database_url) -> None:
    workflow_id, path = saved(api), "/workflows/{}/activate"
    with ExitStack() as busy:
        for _ in range(ARRANGEMENTS_EACH):
            busy.enter_context(api.services.long_calls.arrangements.taken("default"))
        answer = api.post(path.format(workflow_id))
        assert (answer.status_code, answer.json["message"], answer.headers["Retry-After"]) == (503, TOO_MANY, "10")
        assert api.get(f"/workflows/{workflow_id}").json["active"] is False
        busy.enter_context(api.services.long_calls.arrangements.taken("another"))
    with provider(database_url, lambda hook: None):
        assert api.post(path.format(workflow_id)).status_code == 200


@pytest.mark.usefixtures("called")
def test_a_call_is_for_the_node_to_look_at(api, database_url, monkeypatch) -> None:
    workflow_id = saved(api)
    with provider(database_url, lambda hook: None):
        assert api.post(f"/workflows/{workflow_id}/activate").status_code == 200
    monkeypatch.setattr("app.api.webhooks.webhooks.wait_for_answer", lambda *_: Response(status=202))
    body = b'{"n": 1}'
    api.client.post("/webhook/h1/in/a?q=1", data=body, headers={"Content-Type": "application/json", "X-Sign": "s"})
    [(mode, awaited, items)] = api.db.execute(
        "SELECT e.mode, e.awaited, i.items FROM executions AS e JOIN execution_inputs AS i ON i.execution_id = e.id"
    ).fetchall()
    [item] = orjson.loads(items)
    came = item["json"]["webhookCall"]
    assert (mode, awaited) == ("webhook", True)
    assert came["headers"]["x-sign"] == "s"
    assert {name: came[name] for name in ("name", "urls", "responseMode", "method", "query", "body", "rawBody")} == {
        "name": "default", "urls": URLS, "responseMode": "onReceived", "method": "POST", "query": {"q": "1"},
        "body": {"n": 1}, "rawBody": "eyJuIjogMX0=",
    }  # fmt: skip
