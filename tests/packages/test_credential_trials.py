"""Credentials of types that packages describe are tried as their description says."""

import pytest

from app.credential_tests import EngineCredentialTests
from app.credentials.testing import CannotTest, Stored
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.outgoing.addresses import AddressRules
from app.packages import hosted_trials
from app.packages.hosted_trials import problem_of_credential
from tests.packages.running import PackageEngine
from tests.workflows import no_op, workflow

SECRET = "a-very-secret-token"


@pytest.fixture
def trials(packages: PackageEngine, far: str) -> EngineCredentialTests:
    [package] = packages.packages.installed
    rules = AddressRules.parse(far.removeprefix("http://"))
    return EngineCredentialTests(rules, packaged=package.manifest.credential)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", None),
        ("/status/401?then=", "Authorization failed - please check your credentials"),
        ("/status/418?then=", "It is a teapot"),
        ("/say?type=application/json&text={%22ok%22:%22no%22}&then=", "It says no"),
    ],
)
def test_it_is_taken_or_not(trials: EngineCredentialTests, far: str, path, problem):
    assert trials.problem("sampleApi", {"url": far + path, "token": SECRET}) == problem


def test_what_only_a_function_proves_cannot_be_tried_here(trials: EngineCredentialTests, far: str):
    for kind in ("tokenApi", "unheardOfApi"):
        with pytest.raises(CannotTest):
            trials.problem(kind, {"url": far})


def hosted(packages: PackageEngine, kind: str, data: dict[str, str]) -> str | None:
    """What the type's own package says of a credential."""
    credentials = {kind: {"id": "1", "name": ""}}
    document = workflow([{**no_op(), "name": "Credential", "credentials": credentials}], id="w1")
    state = RunState(parse_workflow(document, packages.types))

    async def read(credential_id: str, kind: str) -> dict[str, str]:
        return data

    info = ExecutionInfo("", "trigger", Ports(outgoing=packages.outgoing, credentials=read))
    sandbox = packages.sandbox.for_project("p")
    context = NodeContext(state.graph.nodes["Credential"], [[{"json": {}}]], None, 0, state, sandbox, info)
    return packages.wait_for(problem_of_credential(packages.packages, context, kind))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, None),
        ({"path": "/status/401"}, "Authorization failed - please check your credentials"),
        ({"path": "/status/418"}, "It is a teapot"),
        ({"path": '/say?type=application/json&text={"ok":"no"}'}, "It says no"),
        ({"url": "/status/403?then="}, "Forbidden - perhaps check your credentials?"),
        ({"path": "/throw", "token": "of-before"}, "It cannot be proved by **hidden**"),
    ],
)
def test_what_a_function_proves_is_tried_in_the_process_of_its_package(packages, far, data, problem):
    given = {**data, "url": far + data.get("url", "")}
    assert hosted(packages, "tokenApi", given) == problem
    if not data:
        elsewhere = {"allowedHttpRequestDomains": "domains", "allowedDomains": "example.com"}
        assert "example.com" in hosted(packages, "tokenApi", given | elsewhere)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/echo", None),
        ("/status/401", "plainApi 401: **hidden**"),
        ("/status/418", "No tea for **hidden**"),
    ],
)
def test_what_a_node_tries_is_tried_in_the_process_of_its_package(packages, far, path, problem):
    assert hosted(packages, "plainApi", {"url": far, "token": SECRET, "path": path}) == problem


def test_a_service_that_does_not_answer_a_node_is_waited_for_no_longer_than_any(packages, far, monkeypatch):
    monkeypatch.setattr(hosted_trials, "SECONDS", 0.3)
    with pytest.raises(NodeError, match=r"The service did not answer within 0\.3 seconds"):
        hosted(packages, "plainApi", {"url": far, "token": SECRET, "path": "/slow"})


def test_a_worker_is_asked_for_what_takes_code_and_for_nothing_else(packages: PackageEngine, far: str):
    asked = []

    def by_worker(stored: Stored, kind: str) -> str:
        asked.append((stored, kind))
        return "no"

    [package] = packages.packages.installed
    rules, stored = AddressRules.parse(far.removeprefix("http://")), Stored("c1", "p1")
    known = [lambda kind: None]
    trials = EngineCredentialTests(
        rules,
        packaged=lambda kind: known[0](kind),
        by_worker=by_worker,
        tested_by_node=lambda kind: kind == "plainApi",
        catch_up=lambda: known.insert(0, package.manifest.credential),
    )
    assert trials.problem("tokenApi", {}, "a key", stored) == "no"
    assert trials.problem("sampleApi", {"url": far, "token": SECRET}, "a key", stored) is None
    with pytest.raises(CannotTest):
        trials.problem("unheardOfApi", {}, "a key", stored)
    assert trials.problem("plainApi", {}, "a key", stored) == "no"
    assert asked == [(stored, "tokenApi"), (stored, "plainApi")]


def test_it_is_sent_where_it_may_go_only(trials: EngineCredentialTests, far: str):
    data = {"url": far, "token": SECRET, "allowedHttpRequestDomains": "domains", "allowedDomains": "example.com"}
    problem = trials.problem("sampleApi", data)
    assert problem is not None
    assert "example.com" in problem
    assert "not allowed" in (trials.problem("sampleApi", {"url": "http://127.0.0.1:9", "token": SECRET}) or "")
