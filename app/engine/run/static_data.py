"""What a workflow keeps from one execution to the next, as one execution sees and changes it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

GLOBAL = "global"


class StaticStore(Protocol):
    """Where the static data of one workflow is kept, while other executions may change it, too."""

    async def read(self) -> dict[str, bytes]:
        """The parts by scope, as JSON."""

    async def replace(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
        """Keep the parts of `after` if they still are as in `before`; False, and nothing is kept, if one is not."""

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keeps other executions on this worker waiting."""


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

    def restart(self, parts: dict[str, Any]) -> None:
        """See what is kept now, with nothing changed yet."""
        self.parts = parts
        self.changed.clear()

    def changes(self) -> dict[str, Any]:
        """The parts that are no longer what they were."""
        return {scope: self.parts[scope] for scope in sorted(self.changed)}
