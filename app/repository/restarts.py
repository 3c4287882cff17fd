"""Where a retry goes on, stored as JSON. Knows nobody."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

import orjson


@dataclass(frozen=True, slots=True)
class NodeRun:
    """A run of a node, the first being 0."""

    node: str
    run: int = 0


Place = Literal["failure", "start"] | NodeRun
"""Where it goes on: at the node that failed, at the start, or at a run of a node."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Where a retry goes on, and the items (JSON) that it gets there; None: those that were recorded.

    `begins`: the place is the node that the execution had begun at, so that its items are what the retry begins with,
    and its own retries from the start.
    """

    place: Place = "failure"
    items: bytes | None = None
    begins: bool = False

    @property
    def is_default(self) -> bool:
        """Whether it goes on at the failure with what was recorded, as every retry without a body does."""
        return self.place == "failure" and self.items is None

    @property
    def depends_on_data(self) -> bool:
        """Whether what was recorded says if a retry is possible, or what it and its own retries begin with."""
        return isinstance(self.place, NodeRun) or (self.place == "failure" and self.items is not None)

    @property
    def start_node(self) -> str | None:
        """The node that the retry begins at, where the place says so."""
        return self.place.node if self.begins and isinstance(self.place, NodeRun) else None

    def stored_place(self) -> bytes | None:
        """The place as it is stored: "start", {"node", "run"}; None: at the failure."""
        if self.place == "failure":
            return None
        return orjson.dumps(self.place if isinstance(self.place, str) else asdict(self.place))


@dataclass(frozen=True, slots=True)
class Checked:
    """Those of many executions that are not `refused`, with the reason, are retried; those in `beginning` had begun
    where they go on."""

    refused: dict[int, str]
    beginning: set[int] = field(default_factory=set)


AT_FAILURE = Restart()


def read_restart(place: bytes | None, items: bytes | None = None) -> Restart:
    """The restart whose place was stored."""
    if place is None:
        return Restart(items=items)
    read = orjson.loads(place)
    return Restart(NodeRun(read["node"], read["run"]) if isinstance(read, dict) else "start", items)
