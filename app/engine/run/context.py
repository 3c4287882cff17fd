"""What a node sees while it runs: its input items, its parameters with expressions resolved, its settings.

A node never sees the run's state itself. `programs` runs JavaScript for nodes.
"""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.engine.run.credentials import read_credential, renew_credential
from app.engine.run.engine_requests import EngineResponse
from app.engine.run.errors import NodeError
from app.engine.run.expression_context import ExpressionContext
from app.engine.run.items import Item
from app.engine.run.memory import collect
from app.engine.run.ports import Children
from app.outgoing.client import Outgoing


@dataclass(slots=True)
class NodeContext(ExpressionContext):
    """One run of one node."""

    metadata: dict[str, Any] = field(default_factory=dict)
    """Goes into this run's record, beside its data."""
    hints: list[dict[str, Any]] = field(default_factory=list)
    """What the editor is to tell of this run: {"message", "type", "location"}."""
    output_count: int | None = None
    """How many regular outputs the node has, where its type cannot tell before it runs."""
    response: EngineResponse | None = None
    """What came of the node's request to the engine, when it is called again."""
    query: dict[str, Any] | None = None
    """For a tool that runs: what the model has filled in."""
    children: Children = field(default_factory=Children)
    depth: int = 0
    """How many sub-nodes hang on each other from the main flow to this one."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The node's parameters as the workflow has them, expressions unevaluated."""
        return self.node.parameters

    @property
    def version(self) -> float:
        """The `typeVersion` of the node."""
        return self.node.version

    @property
    def timezone(self) -> str:
        """The name of the workflow's time zone (`Europe/Berlin`)."""
        return self.state.graph.timezone

    def memory(self) -> dict[str, Any]:
        """What this node keeps from run to run of one execution."""
        return self.state.context_data.setdefault(f"node:{self.node.name}", {})

    def read_static_data(self) -> dict[str, Any]:
        """A copy of what this node keeps from one execution of its workflow to the next."""
        return copy.deepcopy(self.state.static_data.shown_to(self.node.name)["node"])

    def save_static_data(self, part: dict[str, Any]) -> None:
        """Keep this for the executions that follow, in place of what was kept before."""
        self.state.static_data.take(self.node.name, {"node": part})

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Count bytes that the node holds for a while. Raises TooMuchData where the run would hold too much."""
        self.hold(size)
        try:
            yield
        finally:
            self.release(size)

    def collect(self, items: Iterable[Item]) -> list[Item]:
        """The items as a list, their memory counted as it grows. Raises TooMuchData before there are too many."""
        return collect(items, self.hold)

    @property
    def outgoing(self) -> Outgoing:
        """The way out to other machines. Raises NodeError where this run has none."""
        if self.execution.ports.outgoing is None:
            raise NodeError("This execution cannot reach other machines.")
        return self.execution.ports.outgoing

    async def credential(self, kind: str) -> dict[str, Any]:
        """What the node's credential of this type holds. It must not get into data, errors or logs.

        Raises NodeError when the node names none, or one that is not there.
        """
        return await read_credential(self.node, kind, self.execution.ports.credentials)

    async def renew_credential(self, kind: str, refused: str) -> dict[str, Any]:
        """What the node's credential holds once it has another access token than the one that was refused.

        Raises NodeError when there is none to be had.
        """
        return await renew_credential(self.node, kind, refused, self.execution.ports.renew_credential)
