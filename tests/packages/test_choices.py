"""What forms ask of a package's node is answered by its code, in its process, with the node's credentials."""

import json
from typing import Any

import pytest

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.packages.choices import LOAD_SECONDS, check_question, find_choices, node_asked
from app.packages.form_questions import SECONDS, NotOffered
from tests.packages.running import PackageEngine
from tests.workflows import workflow

TYPE = "n8n-nodes-sample.choices"
SECRET = "a-very-secret-token"
MAPPED = {"id": "a", "displayName": "A", "required": False, "defaultMatch": False, "display": True, "type": "string"}


def question(kind: str = "options", method: str | None = None, path: str = "parameters.list", **more: Any) -> Any:
    named = {"sampleApi": {"id": "1", "name": "Sample"}}
    asked = {"version": 1.0, "filter": None, "paginationToken": None, "parameters": {}, "credentials": named}
    return {"kind": kind, "method": method, "path": path, **asked, **more}


def asked(packages: PackageEngine, url: str, wanted: dict[str, Any]) -> Any:
    """What the node offers, as a worker asks it."""
    check_question(packages.packages.installed[0].manifest.node, TYPE, wanted)
    state = RunState(parse_workflow(workflow([node_asked(TYPE, wanted)], id="w1"), packages.types))

    async def read(credential_id: str, kind: str) -> dict[str, str]:
        return {"url": url, "token": SECRET}

    info = ExecutionInfo("", "trigger", Ports(outgoing=packages.outgoing, credentials=read))
    sandbox = packages.sandbox.for_project("p")
    context = NodeContext(state.graph.nodes["Node"], [[{"json": {}}]], None, 0, state, sandbox, info)
    return json.loads(packages.wait_for(find_choices(packages.packages, context, wanted)))


def test_options_are_loaded_with_what_the_form_holds_so_far(packages, far):
    given = {"team": "={{ 'th' + 'eirs' }}", "groups": {"group": [{}, {"kind": "b"}]}}
    path = "parameters.groups.group[1].list"
    found = asked(packages, far, question(method="getLists", path=path, parameters=given))
    assert [each["value"] for each in found] == ["theirs", "theirs", "b", "theirs", "**hidden**"]


def test_options_are_loaded_by_the_request_that_is_described(packages, far):
    assert asked(packages, far, question(path="row")) == [{"name": "Seven", "value": 7}]


def test_lists_are_searched_and_tables_described(packages, far):
    wanted = question("resource-locator-results", "search", filter="Ord", paginationToken=1)
    found = asked(packages, far, wanted)
    assert found == {
        "results": [{"name": "Ord", "value": "1", "url": "https://example.com"}],
        "paginationToken": 2,
    }
    assert asked(packages, far, question("resource-mapper-fields", "getColumns")) == {"fields": [MAPPED]}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (question(), "describes no options"),
        (question(path="groups.group.row"), "describes no options"),
        (question(method="search"), "no method search among its loadOptions"),
        (question(method="constructor"), "no method constructor"),
        (question(method="getLists", version=2.0), "has no version 2"),
    ],
)
def test_what_no_code_answers_is_refused_before_it_is_asked(packages, far, wanted, said):
    with pytest.raises(NotOffered, match=said):
        asked(packages, far, wanted)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("getRefused", "403|Forbidden"),
        ("getMuch", "more than 4,194,304 bytes of choices"),
        ("getTold", r"it has \*\*hidden\*\*"),
        ("getHalf", "gave a value that cannot be kept"),
    ],
)
def test_a_node_that_fails_says_why(packages, far, method, said):
    with pytest.raises(NodeError, match=said):
        asked(packages, far, question(method=method))


def test_a_package_is_loaded_before_the_time_of_its_node_begins(packages, far, monkeypatch):
    called, call = [], packages.host.call

    async def noting(request: Any, *given: Any, **more: Any) -> Any:
        called.append((request["kind"], more.get("seconds", given[2:3])))
        return await call(request, *given, **more)

    monkeypatch.setattr(packages.host, "call", noting)
    asked(packages, far, question("resource-locator-results", "search"))
    assert called == [("load", LOAD_SECONDS), ("choices", (SECONDS,))]
