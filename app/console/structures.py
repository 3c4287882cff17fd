"""What a run has recorded, as pages ask for it: its structure, and items of one of its nodes."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson

from app.api.executions.run_data import run_data_of
from app.api.executions.run_rendering import render_run, render_structure
from app.console.items import contains
from app.console.large_items import Search, shorten
from app.console.stored_values import read_values
from app.repository import execution_progress
from app.repository.connection import Connection
from app.repository.errors import Conflict, NodeDataNotFound
from app.repository.executions import Execution
from app.repository.odd_json import has_halves
from app.repository.relatives import read_attempts, read_origin
from app.repository.run_pages import PAGE_BYTES, RunData, output_of

MAX_SEARCHED = 5_000
"""Items that a search looks into before it answers; the page goes on from there."""
SEARCHED_AT_ONCE = 1_000
MAX_SEARCHED_BYTES = 32 * 2**20
"""And so many bytes of them at most, but for one page."""
PAGE_ITEMS = 25
TOO_LARGE = "This item is too large to be shown here."


@dataclass(slots=True)
class Items:
    """A page of items at one output of a node, or at one of its inputs.

    `searched`: into how many a search has looked, None for no search. Of an item that is too large to be shown whole
    long texts are cut (`is_cut`); one that is too large even so is no more than counted (`is_too_large`). U+FFFD stands
    for halves of surrogate pairs (`has_halves`).
    """

    node: str
    run: int
    kind: str
    number: int
    given: bool
    offset: int
    total: int
    items: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    next_offset: int | None = None
    limit: int = PAGE_ITEMS
    searched: int | None = None
    is_cut: bool = False
    is_too_large: bool = False
    has_halves: bool = False
    bytes_read: int = 0


def read_structure(connection: Connection, execution: Execution, project_id: str | None) -> dict[str, Any]:
    """The structure of a run as the API shows it; with `problem` where it cannot be read by node."""
    attempts = read_attempts(connection, execution.id, project_id=project_id)
    origin = read_origin(connection, execution.id, project_id=project_id)
    try:
        with run_data_of(connection, execution) as data:
            structure = render_structure(execution, data, attempts, origin)
            return structure if data is None else with_last_runs(structure, data)
    except Conflict as problem:
        return {**render_structure(execution, None, attempts, origin), "problem": problem.message}


def with_last_runs(structure: dict[str, Any], data: RunData) -> dict[str, Any]:
    """The structure with `lastRun` at nodes that ran more often than it shows: by that one tells how they went."""
    for node in structure["nodes"]:
        if node["runCount"] > len(node["runs"]):
            node["lastRun"] = render_run(data.runs(node["name"], node["runCount"] - 1, 1)[0])
    return structure


def shown_runs(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All runs of a node that its structure has: the first ones, and the last one."""
    return [*node["runs"], *([node["lastRun"]] if "lastRun" in node else [])]


def with_end(structure: dict[str, Any], status: str) -> dict[str, Any]:
    """The structure of a run that was stopped or lost: what it has recorded as under way has ended in the same way."""
    if status in ("canceled", "crashed"):
        for node in structure["nodes"]:
            for run in shown_runs(node):
                if run["executionStatus"] in ("running", "waiting"):
                    run["executionStatus"] = status
    return structure


def with_progress(structure: dict[str, Any], told: Mapping[str, Any] | None) -> dict[str, Any]:
    """The structure with what a running execution has told that it has done so far."""
    if told is None:
        return structure
    nodes = {node["name"]: node for node in structure["nodes"]}
    nodes |= {node["node"]: node_so_far(node) for node in told["nodes"]}
    return {**structure, "nodes": list(nodes.values())}


def read_progress(connection: Connection, execution: Execution) -> dict[str, Any] | None:
    """What a running execution has told so far; None for one that runs no more, or has told nothing."""
    if execution.status != "running":
        return None
    known = execution_progress.read(connection, [execution.id]).get(execution.id)
    return None if known is None else orjson.loads(known.progress)


def read_current_tries(connection: Connection, execution: Execution, name: str) -> list[dict[str, Any]]:
    """How a node that runs just now was tried so far; nothing where it has not failed, or another one runs."""
    told = read_progress(connection, execution)
    return list(told.get("tries", ())) if told is not None and told["current"] == name else []


def node_so_far(told: Mapping[str, Any]) -> dict[str, Any]:
    """A node as its structure will show it, as far as it is known while it runs."""
    failure = {"message": "It failed", "name": None, "description": None, "node": None}
    run = {
        "startTime": told.get("startTime"),
        "executionTime": told.get("executionTime"),
        "executionIndex": None,
        "executionStatus": told["status"],
        "source": [],
        "inputs": {},
        "outputs": {"main": [{"items": count, "sizeBytes": 0, "digest": ""} for count in told["items"]]},
        "error": failure if told["status"] == "error" else None,
        "subExecution": None,
        "subExecutions": [],
        "tries": [],
    }
    return {"name": told["node"], "runCount": told["runs"], "runs": [run]}


def read_run(
    connection: Connection, execution: Execution, name: str, number: int | None
) -> tuple[int, int, dict[str, Any] | None]:
    """How often a node has run, and the number of one of its runs with what the API shows of it; None: the last one.

    Of a run with an index no more is read than that.
    """
    told = read_progress(connection, execution)
    so_far = next((node_so_far(node) for node in told["nodes"] if node["node"] == name), None) if told else None
    if so_far is not None:
        return so_far["runCount"], max(so_far["runCount"] - 1, 0), so_far["runs"][0]
    try:
        with run_data_of(connection, execution) as data:
            count = 0 if data is None else data.counts.get(name, 0)
            if data is None or not count:
                return 0, 0, None
            shown = count - 1 if number is None else min(number, count - 1)
            return count, shown, render_run(data.runs(name, shown, 1)[0])
    except Conflict:
        return 0, 0, None


def read_items(connection: Connection, execution: Execution, wanted: Items, search: str) -> Items:
    """Fill in the page that is wanted. Raises NodeDataNotFound, Conflict."""
    with run_data_of(connection, execution, at_once=True) as data:
        if data is None:
            raise NodeDataNotFound("The execution has recorded nothing yet")
        if search:
            return search_items(data, wanted, search)
        wanted.items, wanted.total, wanted.next_offset = read_page(data, wanted, wanted.offset, wanted.limit)
        if not wanted.items and wanted.offset:  # somebody has asked for more than there is: the last ones
            wanted.offset = max(wanted.total - wanted.limit, 0)
            wanted.items, wanted.total, wanted.next_offset = read_page(data, wanted, wanted.offset, wanted.limit)
        wanted.numbers = list(range(wanted.offset, wanted.offset + len(wanted.items)))
        return wanted


def read_page(
    data: RunData, wanted: Items, offset: int, limit: int, sought: Search | None = None
) -> tuple[list[Any], int, int | None]:
    """Items, how many there are, and where the next page begins. What is `sought` is told of a large item only."""
    output = output_of(data, wanted.node, wanted.run, wanted.kind, wanted.number, given=wanted.given)
    if output is None:
        return [], 0, None
    page = data.page(output, offset, limit)
    if page.length is None:
        return [read_shortened(page.pieces, wanted, sought)], output.items, page.next_offset
    wanted.bytes_read += page.length
    return read_shown(b"".join(chain([b"["], page.pieces, [b"]"])), wanted), output.items, page.next_offset


def read_shown(text: bytes, wanted: Items) -> list[Any]:
    """The items of a JSON list, as they are shown."""
    wanted.has_halves = wanted.has_halves or has_halves(text)
    return read_values(text)


def read_shortened(pieces: Iterable[bytes], wanted: Items, sought: Search | None) -> Any:
    """A large item with its long texts cut."""
    wanted.is_cut = True
    wanted.bytes_read += PAGE_BYTES
    left = iter(pieces if sought is None else sought.watch(pieces))
    text = shorten(left)
    if text is not None:
        return read_shown(b"[%s]" % text, wanted)[0]
    wanted.is_too_large = True
    if sought is not None:
        deque(left, maxlen=0)
    return {"json": {"": TOO_LARGE}}


def search_items(data: RunData, wanted: Items, search: str) -> Items:
    """The first page of items that contain a text, from the wanted offset on."""
    position: int | None = wanted.offset
    looked = 0
    while (
        position is not None
        and len(wanted.items) < PAGE_ITEMS
        and looked < MAX_SEARCHED
        and wanted.bytes_read < MAX_SEARCHED_BYTES
    ):
        sought = Search(search)
        items, wanted.total, following = read_page(data, wanted, position, SEARCHED_AT_ONCE, sought)
        for number, item in enumerate(items):
            if len(wanted.items) == PAGE_ITEMS:
                following = position + number
                break
            looked += 1
            if sought.has_found or contains(item, search):
                wanted.items.append(item)
                wanted.numbers.append(position + number)
        position = following
    wanted.next_offset, wanted.searched = position, looked
    return wanted
