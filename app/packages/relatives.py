"""What a node's code may know of the nodes around it: those before it, those behind it, and those that hang on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.run.graph import Graph, Node

MAIN = "main"


def find_relatives(graph: Graph, name: str, kind: str, behind: bool, depth: int | None = None) -> list[Node]:
    """The nodes `behind` the one of that name, or before it, at most `depth` connections of that kind away.

    The farthest come first, as n8n lists them, and the node itself is not among them.
    """
    if name not in graph.nodes:
        return []
    step = _children(graph, kind) if behind else lambda each: _parents(graph.nodes[each], kind)
    near = _reachable(name, step, depth)
    ordered: list[Node] = []
    seen = {name}
    pending = [(name, iter(step(name)[::-1]))]
    while pending:
        each, following = pending[-1]
        for other in following:
            if other in near and other not in seen:
                seen.add(other)
                pending.append((other, iter(step(other)[::-1])))
                break
        else:
            ordered.append(graph.nodes[each])
            pending.pop()
    return ordered[:-1]


def node_shown(node: Node, parameters: bool) -> dict[str, Any]:
    """One of them as code sees it, with its parameters as they are written where they are wanted."""
    shown = {"name": node.name, "type": node.type, "typeVersion": node.version, "disabled": node.disabled}
    return {**shown, "parameters": node.parameters} if parameters else shown


def _parents(node: Node, kind: str) -> list[str]:
    if kind == MAIN:
        return list(dict.fromkeys(name for name, _ in node.origins))
    hanging = node.attached.get(kind) or {}
    return sorted(hanging, key=hanging.__getitem__)


def _children(graph: Graph, kind: str) -> Callable[[str], list[str]]:
    if kind == MAIN:
        return lambda name: list(dict.fromkeys(each.node for output in graph.nodes[name].outputs for each in output))
    served: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        for below in node.attached.get(kind, ()):
            served.setdefault(below, []).append(node.name)
    return lambda name: served.get(name, [])


def _reachable(name: str, step: Callable[[str], list[str]], depth: int | None) -> set[str]:
    reached, edge = {name}, [name]
    while edge and depth != 0:
        edge = [
            other for other in dict.fromkeys(other for each in edge for other in step(each)) if other not in reached
        ]
        reached.update(edge)
        depth = None if depth is None else depth - 1
    return reached
