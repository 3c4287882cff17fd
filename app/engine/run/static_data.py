"""What a workflow keeps from one execution to the next, as one execution sees and changes it."""

from dataclasses import dataclass, field
from typing import Any

GLOBAL = "global"


@dataclass(slots=True)
class StaticData:
    """The parts by scope: `global`, and `node:` with the name of each node that keeps something."""

    parts: dict[str, Any]
    changed: set[str] = field(default_factory=set)

    def shown_to(self, node: str) -> dict[str, Any]:
        """What the JavaScript of a node gets: {"global": {...}, "node": {...}}."""
        return {"global": self.parts.get(GLOBAL) or {}, "node": self.parts.get(f"node:{node}") or {}}

    def take(self, node: str, left: dict[str, Any]) -> None:
        """Take over what the JavaScript of a node has left of it."""
        for scope, part in ((GLOBAL, left.get("global")), (f"node:{node}", left.get("node"))):
            if isinstance(part, dict) and part != (self.parts.get(scope) or {}):
                self.parts[scope] = part
                self.changed.add(scope)

    def changes(self) -> dict[str, Any]:
        """The parts that are no longer what they were."""
        return {scope: self.parts[scope] for scope in sorted(self.changed)}
