"""Which item of an earlier node an item comes from: the way back along `pairedItem` and `source`.

Knows run data; knows nothing of expressions, which ask for it as $('Node').item.
"""

from typing import Any

Position = list[int]
"""Run, output and index of an item in its node's run data."""

RunData = dict[str, list[dict[str, Any]]]


class Ancestry:
    """The way from the current items of one node back to the items of other nodes."""

    def __init__(self, run_data: RunData, sources: list[dict[str, Any] | None] | None) -> None:
        self._run_data = run_data
        self._sources = sources or []
        self._known: dict[tuple[str, int, int, int, str], Position | str | None] = {}

    def find(self, target: str, item: int, input_index: int = 0) -> Position | str | None:
        """Where `target` put out what became the current item: its position, None when no pairing leads there,
        or the reason why it cannot be told."""
        source = self._sources[input_index] if input_index < len(self._sources) else None
        if source is None:
            return None
        return self._from_source(source, item, target)

    def _from_source(self, source: dict[str, Any], item: int, target: str) -> Position | str | None:
        """Follow single parents in a loop, so that a long workflow does not become a deep recursion."""
        visited: set[tuple[str, int, int, int]] = set()
        while True:
            node = source["previousNode"]
            run, output = source.get("previousNodeRun") or 0, source.get("previousNodeOutput") or 0
            if node == target:
                return [run, output, item]
            place = (node, run, output, item)
            if place in visited:
                return None
            visited.add(place)
            parents = self._parents(*place)
            if isinstance(parents, str):
                return parents
            if not parents:
                return None
            if len(parents) > 1:
                return self._from_several(place, parents, target)
            source, item = parents[0]

    def _from_several(
        self, place: tuple[str, int, int, int], parents: list[tuple[dict[str, Any], int]], target: str
    ) -> Position | str | None:
        key = (*place, target)
        if key not in self._known:
            self._known[key] = None
            found = [self._from_source(source, item, target) for source, item in parents]
            positions = [position for position in found if isinstance(position, list)]
            reasons = [reason for reason in found if isinstance(reason, str)]
            if positions and all(position == positions[0] for position in positions):
                self._known[key] = positions[0]
            elif positions:
                self._known[key] = "Multiple matching items for expression"
            else:
                self._known[key] = reasons[0] if reasons else None
        return self._known[key]

    def _parents(self, node: str, run: int, output: int, item: int) -> list[tuple[dict[str, Any], int]] | str:
        """The items that this item was made from, each with the source that it came in by."""
        runs = self._run_data.get(node) or []
        if run >= len(runs):
            return []
        outputs = (runs[run].get("data") or {}).get("main") or []
        items = outputs[output] if output < len(outputs) else None
        if items is None or item >= len(items):
            return "Can't get data for expression"
        sources = runs[run].get("source") or []
        if not sources:
            return []
        pairing = items[item].get("pairedItem")
        if pairing is None:
            return (
                f"Paired item data for item from node '{node}' is unavailable. "
                f"Ensure '{node}' is providing the required output."
            )
        parents = []
        for pair in pairing if isinstance(pairing, list) else [pairing]:
            index, came_in = (pair, 0) if isinstance(pair, int) else (pair.get("item", 0), pair.get("input") or 0)
            if came_in < len(sources) and sources[came_in] is not None:
                parents.append((sources[came_in], index))
        return parents
