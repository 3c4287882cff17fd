"""A deduplication history in memory, for runs of the engine without a worker."""

from collections.abc import Collection

from app.engine.run.histories import HistoryRefused


class MemoryHistory:
    """The histories of one workflow."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, None]] = {}
        self.highest: dict[str, tuple[str, float]] = {}

    async def add_values(self, scope: str, values: Collection[str], *, number: int, room: float | None) -> set[str]:
        if scope in self.highest:
            raise HistoryRefused("kind")
        if room is not None and number > room:
            raise HistoryRefused("full")
        seen = self.seen.setdefault(scope, {})
        new = set(values) - seen.keys()
        for value in values:
            seen.pop(value, None)
            seen[value] = None
        while room is not None and len(seen) > room:
            del seen[next(iter(seen))]
        return new

    async def pass_highest(self, scope: str, kind: str, highest: float) -> float | None:
        known = self.highest.get(scope)
        if scope in self.seen or (known and known[0] != kind):
            raise HistoryRefused("kind")
        before = known[1] if known else None
        self.highest[scope] = (kind, highest if before is None else max(before, highest))
        return before

    async def clear(self, scope: str) -> None:
        self.seen.pop(scope, None)
        self.highest.pop(scope, None)
