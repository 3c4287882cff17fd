"""A workflow that runs again and again: its document is read as a graph once, as long as the node types stay."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from app.engine.run.graph import Graph
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsing import parse_workflow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Parsed:
    graph: Graph
    further: NodeTypes | None

    def is_for(self, types: NodeTypes, timezone: str) -> bool:
        graph = self.graph
        return graph.types is types and self.further is types.further and graph.instance_timezone == timezone


class ParsedWorkflow:
    """A document, which nobody changes, with its graph, which runs share: they change nothing of it either."""

    __slots__ = ("_of_nodes", "_parsed", "document")

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._parsed: _Parsed | None = None
        self._of_nodes: dict[tuple[type, str], Any] = {}

    def of_node(self, kind: type[T], name: str, read: Callable[[], T | None]) -> T | None:
        """What `read` makes of the node of this name, a `kind` of value; it is called once for a node."""
        key = kind, name
        if (known := self._of_nodes.get(key)) is None and (known := read()) is not None:
            self._of_nodes[key] = known
        return known

    def graph(self, types: NodeTypes, timezone: str) -> Graph:
        """The graph, its nodes run by `types`: see parse_workflow. Raises InvalidWorkflow."""
        known = self._parsed
        if known is None or not known.is_for(types, timezone):
            known = self._parsed = _Parsed(parse_workflow(self.document, types, timezone), types.further)
        return known.graph
