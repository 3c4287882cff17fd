"""Which of the items that a sub-workflow was given each of its own items has come from."""

from typing import Any

from app.engine.run.document import RunDocument
from app.engine.run.items import Item, Outputs
from app.engine.run.ports import ChildOutcome

MAX_PLACES = 100_000
"""So many origins are written down of items that may have come from any: the record would grow with the product."""
At = tuple[str, int, int, int]
"""A node, and the run, the output and the place of an item in it."""


def pair_outputs(outcome: ChildOutcome, count: int) -> Outputs:
    """The items at each output of a sub-workflow's last node, paired with those of the `count` items given to it.

    Where the way back is lost, as many items as were given belong to those one by one, and others to all of them.
    """
    everything = [{"item": place} for place in range(count)]
    paired: Outputs = []
    for number, items in enumerate(outcome.outputs):
        alike = len(items) == count
        made: list[Item] = []
        for place, item in enumerate(items):
            origin = _origin(outcome.document, number, place)
            if origin is not None:
                made.append({**item, "pairedItem": {"item": origin}})
            elif alike:
                made.append({**item, "pairedItem": {"item": place}})
            elif len(items) * count <= MAX_PLACES:
                made.append({**item, "pairedItem": everything})
            else:
                made.append({key: value for key, value in item.items() if key != "pairedItem"})
        paired.append(made)
    return paired or [[]]


def _origin(document: RunDocument | None, output: int, place: int) -> int | None:
    """The place of the given item that this item of the last node began as; None where the way back is lost.

    Of several parents the first is followed.
    """
    last = document.last_node if document is not None else None
    if document is None or last is None:
        return None
    runs, start = document.run_data, document.first_node
    at: At | None = (last, len(runs.get(last) or []) - 1, output, place)
    passed: set[At] = set()
    while at is not None and at not in passed:
        passed.add(at)
        item = _item(runs, at)
        if item is None:
            return None
        if at[0] == start:
            return at[3]
        at = _parent(runs[at[0]][at[1]], item)
    return None


def _item(runs: dict[str, list[dict[str, Any]]], at: At) -> Item | None:
    node, run, output, place = at
    every = runs.get(node) or []
    outputs = (every[run].get("data") or {}).get("main") or [] if 0 <= run < len(every) else []
    items = outputs[output] or [] if output < len(outputs) else []
    return items[place] if 0 <= place < len(items) else None


def _parent(run: dict[str, Any], item: Item) -> At | None:
    pairing = item.get("pairedItem")
    first = pairing[0] if isinstance(pairing, list) and pairing else pairing
    entry: Any = {"item": first} if isinstance(first, int) else first
    if not isinstance(entry, dict):
        return None
    sources, number = run.get("source") or [], entry.get("input") or 0
    source = entry.get("sourceOverwrite") or (sources[number] if number < len(sources) else None)
    if source is None:
        return None
    came_by = source.get("previousNodeRun") or 0, source.get("previousNodeOutput") or 0
    return (source["previousNode"], *came_by, entry.get("item") or 0)
