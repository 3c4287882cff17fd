"""What a workflow is refused for before anything of it has run. Knows the graph; no run and no node."""

from collections.abc import Iterable

from app.engine.run.graph import Graph, InvalidWorkflow, Node, WorkflowHasIssues

MOST_INPUTS = 100


def check_installed(graph: Graph, nodes: Iterable[Node]) -> None:
    """Raise InvalidWorkflow for the first of the nodes whose type or version is not installed."""
    for node in nodes:
        if not node.kind.installed:
            raise InvalidWorkflow(f"Node '{node.name}': {graph.types.explain_unknown(node.type, node.version)}")


def check_bounds(graph: Graph) -> None:
    """Raise InvalidWorkflow for the first node with more inputs than a run can have."""
    for node in graph.nodes.values():
        if node.input_count > MOST_INPUTS:
            raise InvalidWorkflow(
                f"Node '{node.name}': a connection leads to input {node.input_count - 1}; "
                f"a node has at most {MOST_INPUTS} inputs."
            )


def check_runnable(graph: Graph, start: str) -> None:
    """Raise InvalidWorkflow for what the workflow would trip over: unknown types anywhere, execution order v0, and,
    where a run from `start` comes to them, nodes that lack parameters."""
    order = graph.settings.get("executionOrder", "v1")
    if order != "v1":
        raise InvalidWorkflow(f"Execution order '{order}' is not supported; set it to 'v1' in the workflow settings.")
    check_bounds(graph)
    check_installed(graph, graph.nodes.values())
    issues = [report for node in graph.reachable(start) if not node.disabled and (report := _issues(node))]
    if issues:
        raise WorkflowHasIssues("\n".join(issues))


def _issues(node: Node) -> str:
    issues = node.kind.find_issues(node.parameters, node.version)
    return "\n- ".join([f"The '{node.name}' node has issues:", *issues]) if issues else ""
