"""The engine's rules about workflows, for those who must not know the engine."""

from collections.abc import Mapping
from typing import Any

from app.engine import graph
from app.schemas.workflows import InvalidWorkflow


class EngineRules:
    """What can run: see app.schemas.workflows.WorkflowRules."""

    def check_graph(self, document: Mapping[str, Any]) -> None:
        parsed(document)

    def check_activation(self, document: Mapping[str, Any]) -> None:
        checked = parsed(document)
        try:
            for node in checked.nodes.values():
                if not node.disabled:
                    graph.node_type(node)
        except graph.InvalidWorkflow as error:
            raise InvalidWorkflow(str(error)) from error

    def check_run(self, document: Mapping[str, Any], start_node: str | None) -> None:
        checked = parsed(document)
        try:
            start = checked.start_node(start_node)
            graph.check_runnable(checked, start.name)
        except graph.InvalidWorkflow as error:
            raise InvalidWorkflow(str(error)) from error
        if not start.trigger:
            raise InvalidWorkflow(f"The start node '{start.name}' is not a trigger.")
        if start.disabled:
            raise InvalidWorkflow(f"The start node '{start.name}' is disabled.")


def parsed(document: Mapping[str, Any]) -> graph.Graph:
    try:
        return graph.parse_workflow(dict(document))
    except graph.InvalidWorkflow as error:
        raise InvalidWorkflow(str(error)) from error
