"""The pieces of workflows that run on both sides."""

from dataclasses import dataclass, field
from typing import Any

from tests import workflows
from tests.templates.data import as_expression

Json = dict[str, Any]
BASE = "n8n-nodes-base."


def node(name: str, type_name: str, parameters: Json, version: float = 1, **more: Any) -> Json:
    return workflows.node(name, type_name, parameters, version, id=more.pop("id", f"id {name}"), **more)


def giving(name: str, items: list[Json], turn: int = 0, **more: Any) -> Json:
    """A node that puts out, for each of its items, the next of these."""
    turned = f"$itemIndex + {turn}" if turn else "$itemIndex"
    text = "={{ " + as_expression(items) + f"[({turned}) % {len(items)}] }}}}"
    return node(name, "set", {"mode": "raw", "jsonOutput": text, "options": {}}, 3.4, **more)


@dataclass
class Workflow:
    """A workflow that begins at the node Start with as many items as it is told."""

    name: str
    timezone: str
    nodes: list[Json] = field(default_factory=list)
    connections: Json = field(default_factory=dict)
    start: list[Json] = field(default_factory=lambda: [{"i": number} for number in range(3)])

    def __post_init__(self) -> None:
        self.nodes.insert(0, node("Start", "manualTrigger", {}))

    def add(self, added: Json, *after: str, side: int = 0) -> str:
        """Put a node behind others; returns its name."""
        added["position"] = [200 * len(self.nodes), 0]
        self.nodes.append(added)
        for name in after:
            self.connect(name, added["name"], side)
        return str(added["name"])

    def connect(self, one: str, other: str, side: int = 0) -> None:
        outputs = self.connections.setdefault(one, {"main": [[]]})["main"]
        outputs[0].append({"node": other, "type": "main", "index": side})

    @property
    def document(self) -> Json:
        return {
            "name": self.name,
            "nodes": self.nodes,
            "connections": self.connections,
            "settings": {"executionOrder": "v1", "timezone": self.timezone, "executionTimeout": 25},
            "pinData": {"Start": [{"json": item} for item in self.start]},
        }
