"""What a workflow is refused for before anything of it has run. Knows the graph; no run and no node."""

from collections.abc import Collection, Iterable

from app.engine.run.graph import Graph, InvalidWorkflow, Node, WorkflowHasIssues
from app.engine.run.issues import Issue, report_configuration, report_issues
from app.engine.run.orders import LEVEL_BY_LEVEL, order_of

MAX_INPUTS = 100
MAX_OLD_ORDER = 200_000
"""Nodes with several inputs times lines: for each of the former the old order may look at all of the latter."""


def check_installed(graph: Graph, nodes: Iterable[Node]) -> None:
    """Raise InvalidWorkflow for the first of the nodes whose type or version is not installed."""
    for node in nodes:
        if not node.kind.installed:
            raise InvalidWorkflow(f"Node '{node.name}': {graph.types.explain_unknown(node.type, node.version)}")


def check_bounds(graph: Graph) -> None:
    """Raise InvalidWorkflow for the first node with more inputs than a run can have."""
    for node in graph.nodes.values():
        if node.input_count > MAX_INPUTS:
            raise InvalidWorkflow(
                f"Node '{node.name}': a connection leads to input {node.input_count - 1}; "
                f"a node has at most {MAX_INPUTS} inputs."
            )


def check_runnable(graph: Graph) -> None:
    """Raise InvalidWorkflow for what no run can begin with: unknown types, too many inputs, too much for its order.

    A graph that has passed is not checked again, for most runs are short: it is the same then.
    """
    if None in graph.passed:
        return
    check_bounds(graph)
    _check_order(graph)
    check_installed(graph, graph.nodes.values())
    graph.passed.add(None)


def _check_order(graph: Graph) -> None:
    several = sum(node.input_count > 1 for node in graph.nodes.values())
    lines = sum(len(node.lines) for node in graph.nodes.values())
    if several * lines > MAX_OLD_ORDER and order_of(graph.settings) is LEVEL_BY_LEVEL:
        raise InvalidWorkflow(
            f"{several:,} nodes with several inputs and {lines:,} connections are too many for the execution order "
            "from before n8n 1.0; set executionOrder to 'v1' in the workflow settings."
        )


def check_parameters(graph: Graph, start: str, pinned: Collection[str] = ()) -> None:
    """Raise WorkflowHasIssues for nodes that lack parameters, where a run from `start` comes to them; those that are
    `pinned` do not run. Without such, a start that has passed is not checked again."""
    if start in graph.passed and not pinned:
        return
    due = (node for node in graph.reachable(start) if not node.disabled and node.name not in pinned)
    issues_by_node = {node.name: issues for node in due if (issues := _find_issues(node))}
    if issues_by_node:
        raise WorkflowHasIssues(report_issues(issues_by_node))
    if not pinned:
        graph.passed.add(start)


def check_configured(graph: Graph) -> None:
    """Raise InvalidWorkflow for what nodes lack, wherever they stand: parameters, and credentials to choose."""
    lines_by_node = {node.name: lines for node in graph.nodes.values() if (lines := _missing_settings(node))}
    if lines_by_node:
        raise InvalidWorkflow(report_configuration(lines_by_node))


def _missing_settings(node: Node) -> list[str]:
    if node.disabled or not (node.connected or node.trigger):
        return []
    given = node.document.get("credentials")
    chosen = given if isinstance(given, dict) else {}
    lines = []
    for kind in node.kind.needed_credentials(node.parameters, node.version):
        if kind not in chosen:
            lines.append(f"Missing required credential: {kind}")
        elif not (isinstance(chosen[kind], dict) and chosen[kind].get("id")):
            lines.append(f"Credential not configured: {kind}")
    names = dict.fromkeys(issue.parameter for issue in _find_issues(node))
    return [*lines, f"Missing or invalid required parameters: {', '.join(names)}"] if names else lines


def _find_issues(node: Node) -> list[Issue]:
    return node.kind.find_issues(node.parameters, node.version)
