"""Triggers of packages that providers call: activation waits for what is arranged, and says what a provider says."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import orjson
import pytest
from flask import Response

from app.api.face.long_calls import ARRANGEMENTS_EACH, ARRANGEMENTS_WANTED_EACH
from app.api.workflows import arrangements
from app.engine.nodes.shared.trigger_items import pass_on
from app.engine.run.node_types import NodeType, NodeTypes
from app.repository import connection as connection_module
from app.repository import trigger_hooks, workers
from app.repository.trigger_hooks import Hook
from app.web import NAME
from tests.api.conftest import Api
from tests.patience import PATIENCE_SECONDS, wait_until
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


def saved(api, place: str = "a") -> str:
    answer = api.post("/workflows", chain(node("Called", "acme.hooked", {"place": place}, webhookId="h1")))
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
    monkeypatch.setattr(arrangements, "PATIENCE_SECONDS", 0.0)
    answer = api.post(f"/workflows/{saved(api)}/activate")
    assert answer.status_code == 503
    assert "see that one runs" in answer.json["message"]


@pytest.mark.usefixtures("called")
def test_those_of_one_project_leave_threads_to_others(api, database_url, monkeypatch) -> None:
    """What gets no place is refused before anything has changed."""
    active, idle, calls = saved(api), saved(api, "b"), api.services.long_calls
    changed = chain(node("Called", "acme.hooked", {"place": "c"}, webhookId="h1"), name="Changed")
    plain = api.post("/workflows", chain(node("Hook", "webhook", {"path": "plain"}))).json["id"]
    monkeypatch.setattr(arrangements, "PLACE_SECONDS", 0.0)
    with provider(database_url, lambda hook: None) as asked:
        assert api.post(f"/workflows/{active}/activate").status_code == 200
        before = [api.get(f"/workflows/{each}").json for each in (active, idle)]
        for shares, most, call in (
            (calls.arrangements, ARRANGEMENTS_EACH, lambda: api.post(f"/workflows/{idle}/activate")),
            (calls.arrangements, ARRANGEMENTS_EACH, lambda: api.post(f"/workflows/{active}/publish", {"name": "2"})),
            (calls.arrangements_wanted, ARRANGEMENTS_WANTED_EACH, lambda: api.put(f"/workflows/{active}", changed)),
        ):
            with ExitStack() as busy:
                for _ in range(most):
                    busy.enter_context(shares.taken("default"))
                answer = call()
                said = (answer.status_code, answer.json["message"], answer.headers["Retry-After"])
                assert said == (503, arrangements.TOO_MANY, "10")
                assert api.post(f"/workflows/{plain}/activate").status_code == 200
                busy.enter_context(shares.taken("another"))
            assert [api.get(f"/workflows/{each}").json for each in (active, idle)] == before
    assert len(asked) == 1


@pytest.mark.usefixtures("called")
def test_when_one_of_them_ends_the_next_has_its_turn(api, database_url, monkeypatch) -> None:
    ids, calls = [saved(api, place) for place in "ab"], api.services.long_calls
    monkeypatch.setattr(arrangements, "PLACE_SECONDS", PATIENCE_SECONDS)

    def activate(workflow_id: str) -> int:
        return Api(api.client.application.test_client(), api.db).post(f"/workflows/{workflow_id}/activate").status_code

    with provider(database_url, lambda hook: None) as asked, ThreadPoolExecutor(len(ids)) as pool:
        with ExitStack() as busy:
            for _ in range(ARRANGEMENTS_EACH):
                busy.enter_context(calls.arrangements.taken("default"))
            activated = [pool.submit(activate, each) for each in ids]
            wait_until(lambda: calls.arrangements_wanted._taken["default"] == len(ids))
            assert [api.get(f"/workflows/{each}").json["active"] for each in ids] == [False, False]
            assert not asked
        assert [each.result(PATIENCE_SECONDS) for each in activated] == [200, 200]


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
