"""Which item of an earlier node an item comes from: the way back along `pairedItem` and `source`.

Knows run data; knows nothing of expressions, which ask for it as $('Node').item.
"""

from collections.abc import Sequence
from typing import Any

from app.engine.run.items import InputSource, Item

Position = list[int]
"""Run, output and index of an item in its node's run data."""

RunData = dict[str, list[dict[str, Any]]]


class Ancestry:
    """The way from the current items of one node back to the items of other nodes."""

    def __init__(self, run_data: RunData, sources: Sequence[InputSource | None], pinned: frozenset[str]) -> None:
        self._run_data = run_data
        self._sources = sources
        self._pinned = pinned
        self._known: dict[tuple[str, int, int, int, str], Position | str | None] = {}

    def find(self, target: str, place: int) -> Position | str | None:
        """Where in the outputs of `target` stands what became the item at `place` of the current input.

        Its position; or the reason why it cannot be told; or None when the way back does not lead there.
        """
        source = self._sources[0] if self._sources else None
        return None if source is None else self._from_source(source, place, target)

    def _from_source(self, source: InputSource, item: int, target: str) -> Position | str | None:
        """Follow single parents in a loop, so that a long workflow does not become a deep recursion."""
        visited: set[tuple[str, int, int, int]] = set()
        while True:
            node = source["previousNode"]
            run, output = source.get("previousNodeRun") or 0, source.get("previousNodeOutput") or 0
            ancestor = self._item(node, run, output, item)
            if node == target:
                return [run, output, item] if ancestor is not None else self._unavailable(target)
            place = (node, run, output, item)
            if place in visited or ancestor is None:
                return None
            visited.add(place)
            parents = self._parents(node, run, ancestor)
            if isinstance(parents, str):
                return parents
            if not parents:
                return None
            if len(parents) > 1:
                return self._from_several(place, parents, target)
            source, item = parents[0]

    def _from_several(
        self, place: tuple[str, int, int, int], parents: list[tuple[InputSource, int]], target: str
    ) -> Position | str | None:
        key = (*place, target)
        if key not in self._known:
            self._known[key] = None
            ancestors = [self._from_source(source, item, target) for source, item in parents]
            positions = [position for position in ancestors if isinstance(position, list)]
            reasons = [reason for reason in ancestors if isinstance(reason, str)]
            if positions and all(position == positions[0] for position in positions):
                self._known[key] = positions[0]
            elif positions:
                self._known[key] = self._ambiguous(target)
            else:
                self._known[key] = reasons[0] if reasons else None
        return self._known[key]

    def _ambiguous(self, target: str) -> str:
        return f"Unpin '{target}' to execute" if target in self._pinned else "Multiple matches found"

    def _unavailable(self, target: str) -> str:
        if target in self._pinned:
            return (
                "Using the item method doesn't work with pinned data in this scenario. "
                f"Please unpin '{target}' and try again."
            )
        return "Can't get data for expression"

    def _item(self, node: str, run: int, output: int, item: int) -> Item | None:
        runs = self._run_data.get(node) or []
        outputs = (runs[run].get("data") or {}).get("main") or [] if run < len(runs) else []
        items = outputs[output] or [] if output < len(outputs) else []
        return items[item] if 0 <= item < len(items) else None

    def _parents(self, node: str, run: int, item: Item) -> list[tuple[InputSource, int]] | str:
        """The items that this item was made from, each with the source that it came in by."""
        sources = self._run_data[node][run].get("source") or []
        if not sources:
            return []
        pairing = item.get("pairedItem")
        if pairing is None and node in self._pinned:
            return self._unavailable(node)
        if pairing is None:
            return (
                f"Paired item data for item from node '{node}' is unavailable. "
                f"Ensure '{node}' is providing the required output."
            )
        parents: list[tuple[InputSource, int]] = []
        for pair in pairing if isinstance(pairing, list) else [pairing]:
            entry: dict[str, Any] = {"item": pair} if isinstance(pair, int) else pair
            number = entry.get("input") or 0
            source = entry.get("sourceOverwrite") or (sources[number] if number < len(sources) else None)
            if source is not None:
                parents.append((source, entry.get("item", 0)))
        return parents
