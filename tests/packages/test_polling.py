"""A trigger of a package that looks for something new, as a worker lets it."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import Raw

from app.engine import nodes
from app.engine.run.context import NodeContext
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.engine.run.static_data import StaticData
from app.packages.host import POLLING
from app.packages.manifest import Description, Manifest, PackagedNode
from app.packages.types import Installed, Packages
from app.schemas.workflows import UnusableWorkflow
from app.workflow_rules import EngineRules
from tests.engine.running import output_of
from tests.workflows import chain, no_op, node

LOOK = node(
    "Look", "n8n-nodes-sample.look", {"word": "={{ 'wo' + 'rd' }}", "pollTimes": {"item": [{"mode": "everyMinute"}]}}
)
WORKFLOW = chain(LOOK, no_op("After"), name="Looking", settings={"executionOrder": "v1"})


def context_of(packages, kept: dict) -> NodeContext:
    """What the trigger sees when it looks: no input, and what it has kept."""
    state = RunState(parse_workflow(WORKFLOW, packages.types))
    state.static_data = StaticData(kept)
    return NodeContext(
        node=state.graph.nodes["Look"],
        inputs=[[{"json": {}}]],
        sources=None,
        run_index=0,
        state=state,
        sandbox=packages.sandbox.for_project("default"),
        execution=ExecutionInfo("", "trigger", Ports()),
    )


def test_it_finds_what_is_new_by_what_it_has_kept(packages):
    kept: dict = {}
    found = []
    for _ in range(3):
        context = context_of(packages, kept)
        found.append(packages.wait_for(context.node.kind.poll(context)))
        kept |= context.state.static_data.changes()
    assert found[0] is None
    texts = [[item["json"] for item in outputs[0]] for outputs in found[1:]]
    one = {"word": "word", "other": "fallback", "mode": "trigger", "every": "everyMinute"}
    one |= {"activation": "activate", "patient": True}
    assert texts == [[{**one, "index": 0}], [{**one, "index": 0}, {**one, "index": 1}]]


def test_it_polls_in_a_process_for_that(packages, monkeypatch):
    """Whatever it does there keeps no execution waiting."""
    call, modes = packages.host.call, []

    async def noting(*given, **about):
        modes.append(about["mode"])
        return await call(*given, **about)

    monkeypatch.setattr(packages.host, "call", noting)
    context = context_of(packages, {})
    packages.wait_for(context.node.kind.poll(context))
    assert modes == [POLLING]


def test_what_it_has_found_goes_on_from_there(packages):
    outcome = packages.run(WORKFLOW, start_node="Look", items=[{"json": {"found": 1}}], mode="trigger")
    assert output_of(outcome, "After") == [{"found": 1}]


def test_it_can_be_activated_and_one_that_starts_nothing_is_refused(packages):
    idle = PackagedNode(
        "n8n-nodes-idle.idle", "I.js", "I", (Description((1.0,), Raw(b'{"properties":[]}')),), ("trigger",)
    )
    installed = [*packages.packages.installed, Installed(Path("/nonexistent"), Manifest((idle,)))]
    types = nodes.load().copy()
    types.further = NodeTypes()
    for kind in Packages(packages.host, installed).node_types(NodeTypes()).all():
        types.further.add(replace(kind, listen=None) if kind.name == idle.type else kind)
    rules = EngineRules(types)
    rules.check_activation(WORKFLOW)
    assert rules.polling_nodes(WORKFLOW) == ["Look"]
    with pytest.raises(UnusableWorkflow, match="Node 'Idle': it is a trigger, and has nothing that could start"):
        rules.check_activation(chain(node("Idle", idle.type), no_op("After")))
