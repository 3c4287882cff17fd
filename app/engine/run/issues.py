"""What is wrong with nodes before anything has run, and n8n's sentences for it. Knows no node and no graph."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_NODES = 4
"""So many nodes a report names; it counts the others."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with one parameter: its name in the document, and a sentence that names it as the editor does."""

    parameter: str
    message: str


def by_parameter(issues: Iterable[Issue]) -> list[Issue]:
    """The issues in n8n's order: those of one parameter, which a node may have several times, stand together."""
    groups: dict[str, list[Issue]] = {}
    for issue in issues:
        groups.setdefault(issue.parameter, []).append(issue)
    return [issue for group in groups.values() for issue in group]


def report_issues(by_node: Mapping[str, Sequence[Issue]]) -> str:
    """Why a run cannot begin: the issues of one or more nodes, by their names."""
    if len(by_node) == 1:
        [(name, issues)] = by_node.items()
        return "\n- ".join([f"The '{name}' node has issues:", *(issue.message for issue in issues)])
    lines = [f"'{name}': {' '.join(issue.message for issue in issues)}" for name, issues in by_node.items()]
    more = [f"({len(lines) - MAX_NODES} more)"] if len(lines) > MAX_NODES else []
    return "\n- ".join([f"{len(by_node)} nodes have issues:", *lines[:MAX_NODES], *more])


def report_configuration(by_node: Mapping[str, Sequence[str]]) -> str:
    """Why a workflow cannot be activated: what is missing in one or more nodes, by their names."""
    nodes = f"{len(by_node)} node{'s' if len(by_node) > 1 else ''} have configuration issues"
    parts = ["\n  - ".join([f'Node "{name}":', *lines]) for name, lines in by_node.items()]
    return "\n\n".join([f"Cannot publish workflow: {nodes}:", *parts])
