"""Parameters of triggers that are needed while nothing runs: their expressions see the workflow, and no data."""

import re
from typing import Any

from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.expression_context import ExpressionContext
from app.engine.run.graph import Graph
from app.engine.run.node_types import NodeTypes
from app.engine.run.parameters import Template
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.engine.sandbox import Sandbox

_DATA = re.compile(r"\$(?:json|binary|data|input|node|items?|position|itemIndex|prevNode|execution)\b|\$\s*\(")


def has_expressions(node: dict[str, Any]) -> bool:
    """Whether a node's parameters have expressions that can be evaluated without data."""
    template = Template(node.get("parameters") or {})
    return bool(template.texts) and not any(_DATA.search(text) for text in template.texts)


async def with_values(
    document: dict[str, Any], node: dict[str, Any], sandbox: Sandbox, types: NodeTypes, ports: Ports
) -> dict[str, Any]:
    """The node with its parameters' expressions evaluated.

    Raises InvalidWorkflow for a document that is none, NodeError for an expression that fails.
    """
    (made,) = await all_with_values(document, [node], sandbox, types, ports)
    return made


async def all_with_values(
    document: dict[str, Any], nodes: list[dict[str, Any]], sandbox: Sandbox, types: NodeTypes, ports: Ports
) -> list[dict[str, Any]]:
    """As `with_values` for several nodes of one document."""
    graph = parse_workflow(document, types, ports.timezone)
    return [await _evaluate_parameters(graph, node, sandbox, ports) for node in nodes]


async def _evaluate_parameters(graph: Graph, node: dict[str, Any], sandbox: Sandbox, ports: Ports) -> dict[str, Any]:
    parameters = node.get("parameters") or {}
    return {**node, "parameters": await value_for(graph, node["name"], parameters, sandbox, ports)}


async def value_for(graph: Graph, name: str, value: Any, sandbox: Sandbox, ports: Ports) -> Any:
    """A value whose expressions see the node of that name, and no data. Raises NodeError for one that fails."""
    context = ExpressionContext(
        node=graph.nodes[name],
        inputs=[[{"json": {}}]],
        sources=None,
        run_index=0,
        state=RunState(graph),
        sandbox=sandbox,
        execution=ExecutionInfo("", "webhook", ports),
    )
    return await context.resolve_first(value)
