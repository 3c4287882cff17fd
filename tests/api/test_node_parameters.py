"""What forms ask of packages' nodes over HTTP: checked by the manifest, answered by a worker, waited for."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from msgspec import Raw

from app.api import worker_questions as asking
from app.api.worker_questions import NODE
from app.packages.manifest import Description, Manifest, PackagedNode
from app.repository import node_packages, worker_questions, workers
from app.repository.node_packages import NewNodePackage
from app.repository.worker_questions import NODE_QUESTIONS, Question
from app.shares import Shares
from tests.patience import wait_until

NAME, TYPE = "n8n-nodes-choosy", "n8n-nodes-choosy.choosy"
METHODS = {"loadOptions": ("getLists",), "listSearch": ("search",), "resourceMapping": ("getColumns",)}
CREDENTIALS = {"choosyApi": {"id": "c1", "name": "Mine"}}


@pytest.fixture
def choosy(shared_app, connection) -> None:
    """A package that is listed, and known here."""
    description = Description((1.0,), Raw(b'{"properties": []}'))
    node = PackagedNode(TYPE, "Choosy.node.js", "Choosy", (description,), ("execute",), METHODS, tool=True)
    manifest = Manifest((node,), (), ()).to_json()
    package = NewNodePackage(NAME, "1.0.0", "sha512-", "MIT", None, None, "{}", manifest, [], [TYPE])
    packages = shared_app.extensions["executions"].packages
    node_packages.put_package(connection, package)
    connection.commit()
    packages.refresh()
    yield
    node_packages.remove_package(connection, NAME)
    connection.commit()
    packages.refresh()


def body(method: str | None = "getLists", **more: Any) -> dict[str, Any]:
    asked = {"nodeTypeAndVersion": {"name": TYPE, "version": 1}, "path": "parameters.list", "credentials": CREDENTIALS}
    return {**asked, "methodName": method, "currentNodeParameters": {"team": "x"}, **more}


def as_worker(connection, worker_id: int, answer: Any, seen: list[Any]) -> threading.Thread:
    """Answers the next question, as a worker does; an exception's text is the problem."""

    def take(taker: int, kind: str = TYPE, seconds: float = 60) -> list[Question]:
        return worker_questions.take(connection, NODE_QUESTIONS, taker, 9, [kind], seconds=seconds)

    def work() -> None:
        def look() -> Any:
            connection.rollback()
            assert take(worker_id, "other.type") == []
            assert take(worker_id, seconds=-9) == [], "nobody waits so long"
            assert take(worker_id + 1) == [], "it has no lease"
            return take(worker_id)

        [question] = wait_until(look)
        seen.append(question)
        assert take(worker_id) == [], "it is taken"
        fails = isinstance(answer, Exception)
        said = {"problem": str(answer)} if fails else {"answer": json.dumps(answer).encode()}
        worker_questions.end(connection, NODE_QUESTIONS, worker_id + 1, question.id, problem="not mine", answer=b"[]")
        worker_questions.end(connection, NODE_QUESTIONS, worker_id, question.id, **said)
        connection.commit()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("kind", "given", "answer"),
    [
        ("options", body(), [{"name": "Seven", "value": 7}]),
        ("options", body(nodeTypeAndVersion={"name": f"{TYPE}Tool", "version": 1}), []),
        ("resource-locator-results", body("search", filter="Ord", paginationToken={"at": 2}), {"results": []}),
        ("resource-mapper-fields", body("getColumns"), {"fields": []}),
    ],
)
def test_a_worker_answers(api, connect, connection, worker_id, choosy, kind, given, answer):
    seen: list[Any] = []
    working = as_worker(connect(), worker_id, answer, seen)
    said = api.post(f"/dynamic-node-parameters/{kind}", given)
    working.join()
    assert (said.status_code, said.json) == (200, {"data": answer})
    asked = json.loads(seen[0].asked)
    assert (seen[0].project_id, seen[0].type, asked["kind"]) == ("default", TYPE, kind)
    assert (asked["method"], asked["parameters"]) == (given["methodName"], {"team": "x"})
    assert asked["credentials"] == CREDENTIALS
    assert (asked["filter"], asked["paginationToken"]) == (given.get("filter"), given.get("paginationToken"))
    assert connection.execute("SELECT FROM node_questions").fetchall() == []


def test_a_key_asks_in_its_own_project_alone(api, connect, worker_id, choosy):
    limited = api.with_key("limited", "workflow:update", project_id=api.project("other"))
    assert limited.post("/dynamic-node-parameters/options", body(projectId="default")).status_code == 404
    seen: list[Any] = []
    working = as_worker(connect(), worker_id, [], seen)
    assert limited.post("/dynamic-node-parameters/options", body()).status_code == 200
    working.join()
    assert seen[0].project_id == "other"


def test_what_the_node_says_is_told(api, connect, worker_id, choosy):
    working = as_worker(connect(), worker_id, ValueError("Forbidden - perhaps check your credentials?"), [])
    said = api.post("/dynamic-node-parameters/options", body())
    working.join()
    assert (said.status_code, said.json["message"]) == (409, "Forbidden - perhaps check your credentials?")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (body("getNothing"), "has no method getNothing among its loadOptions"),
        (body(None), "describes no options of parameters.list"),
        (body(nodeTypeAndVersion={"name": TYPE, "version": 3}), "has no version 3"),
        (body(nodeTypeAndVersion={"name": "n8n-nodes-base.set", "version": 3}), "No package here has the node type"),
        (body(nodeTypeAndVersion={"name": TYPE}), "version"),
        (body(credentials={"choosyApi": "c1"}), "credentials"),
        (body(currentNodeParameters={"text": "x" * 2**20}), "1,048,576 bytes"),
        ({}, "path"),
    ],
)
def test_odd_questions_are_refused_before_any_worker_is_asked(api, choosy, given, said):
    refused = api.post("/dynamic-node-parameters/options", given)
    assert (refused.status_code, said in json.dumps(refused.json)) == (400, True), refused.json


def test_without_a_worker_or_its_answer_it_says_so(api, shared_app, connection, choosy, monkeypatch):
    def said() -> Any:
        answer = api.post("/dynamic-node-parameters/options", body())
        return answer.status_code, answer.json["message"]

    assert said() == (503, NODE.no_worker)
    workers.register(connection, hostname="host", pid=1, concurrency=1)
    connection.commit()
    monkeypatch.setattr(asking, "TAKEN_SECONDS", 0)
    assert said() == (503, NODE.not_taken)
    monkeypatch.setattr(asking, "NODE", replace(NODE, seconds=0))
    assert said() == (503, NODE.too_slow)
    monkeypatch.setattr(shared_app.extensions["executions"].node_choices, "_running", Shares(0, 0))
    assert said() == (503, "Too many forms ask something at the moment")
