"""A workflow that runs again and again: its document is read as a graph once, as long as the node types stay."""

from dataclasses import dataclass
from typing import Any

from app.engine.run.graph import Graph
from app.engine.run.node_types import NodeTypes
from app.engine.run.parsing import parse_workflow


@dataclass(frozen=True, slots=True)
class _Parsed:
    graph: Graph
    further: NodeTypes | None

    def is_for(self, types: NodeTypes, timezone: str) -> bool:
        graph = self.graph
        return graph.types is types and self.further is types.further and graph.instance_timezone == timezone


class ParsedWorkflow:
    """A document, which nobody changes, with its graph, which runs share: they change nothing of it either."""

    __slots__ = ("_parsed", "document")

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._parsed: _Parsed | None = None

    def graph(self, types: NodeTypes, timezone: str) -> Graph:
        """The graph, its nodes run by `types`: see parse_workflow. Raises InvalidWorkflow."""
        known = self._parsed
        if known is None or not known.is_for(types, timezone):
            known = self._parsed = _Parsed(parse_workflow(self.document, types, timezone), types.further)
        return known.graph
