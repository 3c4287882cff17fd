"""A workflow as a graph: its nodes and connections. Knows nothing of documents, and nothing of runs and their data."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import dates
from app.engine.run.node_types import NodeType, NodeTypes


class InvalidWorkflow(Exception):
    """The workflow cannot run; the message says why and names the node."""


class WorkflowHasIssues(InvalidWorkflow):
    """The parameters of some node leave it nothing to run with."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The far end of a line that leaves a node's output."""

    node: str
    input: int


@dataclass(slots=True)
class Node:
    """One node of a workflow, with its settings as the executor asks for them."""

    name: str
    type: str
    version: float
    kind: NodeType
    """What runs it; not `installed` where nothing does."""
    parameters: dict[str, Any]
    position: tuple[float, float]
    document: dict[str, Any]
    disabled: bool = False
    on_error: str = "stopWorkflow"
    always_output: bool = False
    execute_once: bool = False
    tries: int = 1
    retry_seconds: float = 0.0
    outputs: list[list[Destination]] = field(default_factory=list)
    origins: list[tuple[str, int]] = field(default_factory=list)
    """The nodes, each with its output, that are connected to any input of this one."""
    lines: list[tuple[str, int]] = field(default_factory=list)
    """The nodes, each with the input of this one that it is connected to."""
    input_count: int = 0
    attached: dict[str, dict[str, int]] = field(default_factory=dict)
    """The sub-nodes that hang on it, each with its input, by the type of the connection (ai_tool, ai_memory)."""
    sub_node: bool = False
    """Whether it hangs on another node, which uses it."""

    @property
    def trigger(self) -> bool:
        """Whether it starts workflows."""
        return self.kind.trigger

    @property
    def continues_on_fail(self) -> bool:
        """Whether the run goes on when it fails."""
        return self.on_error != "stopWorkflow"

    @property
    def connected(self) -> bool:
        """Whether a line ends or begins here."""
        return bool(self.origins) or any(self.outputs) or self.sub_node

    def complete_parameters(self) -> dict[str, Any]:
        """Its parameters, with the defaults that its type describes."""
        return self.kind.complete_parameters(self.parameters, self.version)

    def targets(self) -> Iterator[str]:
        """The names of the nodes that its outputs lead to, the last output first."""
        return (connection.node for output in reversed(self.outputs) for connection in reversed(output))


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow that is sound: names are unique and every connection has both ends."""

    id: str
    name: str
    active: bool
    nodes: dict[str, Node]
    types: NodeTypes
    settings: dict[str, Any]
    pin_data: dict[str, list[dict[str, Any]]]
    static_data: dict[str, Any]
    instance_timezone: str = "UTC"
    passed: set[str | None] = field(default_factory=set, repr=False, compare=False)
    """Which checks need not be made again (app/engine/run/checks.py), for runs share a graph and change nothing of it:
    None stands for that of the whole, a name for that of what a run from this node comes to."""

    @property
    def timezone(self) -> str:
        """The time zone of the workflow's settings, else that of the instance; UTC for one that does not exist."""
        timezone = self.settings.get("timezone")
        named = isinstance(timezone, str) and timezone not in ("", "DEFAULT")
        return dates.zone(str(timezone) if named else self.instance_timezone).key

    def start_node(self, name: str | None) -> Node:
        """The trigger to start at: the one named, else the Manual Trigger, else the first.

        Raises InvalidWorkflow when there is no node of that name, and no trigger at all.
        """
        if name is not None:
            if name not in self.nodes:
                raise InvalidWorkflow(f"The start node '{name}' is not in the workflow.")
            return self.nodes[name]
        triggers = [node for node in self.nodes.values() if node.trigger]
        if not triggers:
            raise InvalidWorkflow("The workflow has no trigger node to start at.")
        enabled = [node for node in triggers if not node.disabled] or triggers
        manual = [node for node in enabled if node.kind.by_hand]
        return (manual or enabled)[0]

    def output_towards(self, source: str, target: str) -> int | None:
        """By which of its outputs `source` leads to `target`, on the shortest way; None when it does not."""
        seen = {target}
        pending = deque([target])
        while pending:
            for name, output in self.nodes[pending.popleft()].origins:
                if name == source:
                    return output
                if name not in seen:
                    seen.add(name)
                    pending.append(name)
        return None

    def ancestors(self, name: str) -> set[str]:
        """The nodes from which a way leads to the node of that name; itself where it stands in a circle."""
        seen: set[str] = set()
        pending = [name]
        while pending:
            for origin, _ in self.nodes[pending.pop()].origins:
                if origin not in seen:
                    seen.add(origin)
                    pending.append(origin)
        return seen

    def first_among(self, names: Sequence[str]) -> list[str]:
        """Those of `names`, in their order, to which no way leads from another of them.

        Each node remembers two of them that lead to it: so there is one beside itself, if there is any.
        """
        if len(names) < 2:
            return list(names)
        leading: dict[str, list[str]] = {}
        pending = [(name, name) for name in names]
        while pending:
            node, source = pending.pop()
            for target in self.nodes[node].targets():
                known = leading.setdefault(target, [])
                if source not in known and len(known) < 2:
                    known.append(source)
                    pending.append((target, source))
        return [name for name in names if all(source == name for source in leading.get(name, ()))]

    def reachable(self, start: str) -> list[Node]:
        """The nodes that a run from `start` can come to, each after those behind it, and `start` last."""
        seen = {start}
        pending = [(self.nodes[start], self.nodes[start].targets())]
        ordered = []
        while pending:
            node, targets = pending[-1]
            for name in targets:
                if name not in seen:
                    seen.add(name)
                    pending.append((self.nodes[name], self.nodes[name].targets()))
                    break
            else:
                ordered.append(node)
                pending.pop()
        return ordered
