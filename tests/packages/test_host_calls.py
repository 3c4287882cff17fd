"""Calls of nodes to their processes: what is set apart together when it has ended one."""

from typing import Any
from unittest.mock import MagicMock

import pytest

from app.engine import nodes
from app.engine.run.context import NodeContext
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.state import RunState
from app.packages.host import ACTING, LISTENING, REMEMBERING
from app.packages.host_calls import owner_of
from tests.workflows import attach, node, workflow


@pytest.mark.parametrize(
    ("mode", "hanging", "subject"),
    [
        (LISTENING, "ai_memory", "w1 Root"),
        (REMEMBERING, "ai_memory", "w1"),
        (ACTING, "ai_memory", "w1"),
        (REMEMBERING, "ai_embedding", ""),
    ],
)
def test_a_workflow_is_set_apart_with_all_that_it_remembers(mode: str, hanging: str, subject: str) -> None:
    """But not from others that look for what it has put into a store of vectors."""
    document: dict[str, Any] = workflow(
        [node("Root", "n8n-nodes-base.noOp"), node("Sub", "n8n-nodes-base.noOp")], id="w1"
    )
    attach(document, ("Sub", hanging, "Root"))
    state = RunState(parse_workflow(document, nodes.load()))
    context = NodeContext(
        state.graph.nodes["Root"], [[]], None, 0, state, MagicMock(project_id="p"), ExecutionInfo("", "trigger")
    )
    assert owner_of(context, mode) == {
        "project": "p",
        "execution": context.execution.ports.root,
        "subject": subject,
    }
