"""What a workflow keeps from one execution to the next, as one execution sees and changes it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import orjson

T = TypeVar("T")
GLOBAL = "global"
MAX_CONFLICTS = 20
"""How often a program is run again because others have changed what it read."""


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


async def run_until_kept(
    store: StaticStore,
    static_data: StaticData,
    run: Callable[[], Awaitable[T]],
    begin_again: Callable[[], None] | None,
) -> T | None:
    """Run a program and keep what it has changed; again, after `begin_again`, where others were quicker.

    What the program has made; None when others were quicker every time, and nothing was kept.
    """
    result, is_kept = await _run_and_keep(store, static_data, run)
    if is_kept:
        return result
    async with store.alone():
        for _ in range(MAX_CONFLICTS):
            if begin_again is not None:
                begin_again()
            result, is_kept = await _run_and_keep(store, static_data, run)
            if is_kept:
                return result
    return None


async def _run_and_keep(store: StaticStore, static_data: StaticData, run: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
    """What the program has made, and whether its changes could be kept."""
    before = await store.read()
    static_data.restart({scope: orjson.loads(part) for scope, part in before.items()})
    result = await run()
    after = {scope: orjson.dumps(part, default=str) for scope, part in static_data.changes().items()}
    static_data.restart(static_data.parts)
    return result, not after or await store.replace(before, after)
