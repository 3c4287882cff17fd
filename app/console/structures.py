"""What a run has recorded, as pages ask for it: its structure, and items of one of its nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.api.executions.run_data import run_data_of
from app.api.executions.run_rendering import render_structure
from app.console.items import contains
from app.repository import execution_progress
from app.repository.connection import Connection
from app.repository.errors import Conflict, NodeDataNotFound
from app.repository.executions import Execution
from app.repository.relatives import read_attempts, read_parent
from app.repository.run_pages import RunData, output_of

MOST_SEARCHED = 5_000
"""Items that a search looks into."""
PAGE_ITEMS = 25


@dataclass(slots=True)
class Items:
    """A page of items at one output of a node, or at one of its inputs.

    `searched`: into how many a search has looked, None for no search.
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


def read_structure(connection: Connection, execution: Execution, project_id: str | None) -> dict[str, Any]:
    """The structure of a run as the API shows it; with `problem` where it cannot be read by node."""
    attempts = read_attempts(connection, execution.id, project_id=project_id)
    parent_id = read_parent(connection, execution.id, project_id=project_id)
    try:
        with run_data_of(connection, execution) as data:
            return render_structure(execution, data, attempts, parent_id)
    except Conflict as problem:
        return {**render_structure(execution, None, attempts, parent_id), "problem": problem.message}


def with_progress(
    connection: Connection, execution: Execution, structure: dict[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """The structure with what a running execution has done so far, and the node that runs now."""
    known = execution_progress.read(connection, [execution.id]).get(execution.id)
    if execution.status != "running" or known is None:
        return structure, None
    told = orjson.loads(known.progress)
    nodes = {node["name"]: node for node in structure["nodes"]}
    nodes |= {node["node"]: node_so_far(node) for node in told["nodes"]}
    return {**structure, "nodes": list(nodes.values())}, told["current"]


def node_so_far(told: Mapping[str, Any]) -> dict[str, Any]:
    """A node as its structure will show it, as far as it is known while it runs."""
    failure = {"message": "It failed", "name": None, "description": None, "node": None}
    run = {
        "startTime": None,
        "executionTime": None,
        "executionIndex": None,
        "executionStatus": told["status"],
        "source": [],
        "inputs": {},
        "outputs": {"main": [{"items": count, "sizeBytes": 0, "digest": ""} for count in told["items"]]},
        "error": failure if told["status"] == "error" else None,
        "subExecution": None,
    }
    return {"name": told["node"], "runCount": told["runs"], "runs": [run]}


def run_of(structure: Mapping[str, Any], name: str, number: int) -> dict[str, Any] | None:
    """One run of a node; None where it has not run so often."""
    found = next((node for node in structure["nodes"] if node["name"] == name), None)
    runs = found["runs"] if found else []
    return runs[number] if 0 <= number < len(runs) else None


def read_items(connection: Connection, execution: Execution, wanted: Items, search: str) -> Items:
    """Fill in the page that is wanted. Raises NodeDataNotFound, Conflict."""
    with run_data_of(connection, execution) as data:
        if data is None:
            raise NodeDataNotFound("The execution has recorded nothing yet")
        if search:
            return searched(data, wanted, search)
        wanted.items, wanted.total, wanted.next_offset = page_of(data, wanted, wanted.offset, wanted.limit)
        wanted.numbers = list(range(wanted.offset, wanted.offset + len(wanted.items)))
        return wanted


def page_of(data: RunData, wanted: Items, offset: int, limit: int) -> tuple[list[Any], int, int | None]:
    """Items, how many there are, and where the next page begins."""
    output = output_of(data, wanted.node, wanted.run, wanted.kind, wanted.number, given=wanted.given)
    if output is None:
        return [], 0, None
    page = data.page(output, offset, limit)
    items: list[Any] = orjson.loads(b"[" + b"".join(page.pieces) + b"]")
    return items, output.items, page.next_offset


def searched(data: RunData, wanted: Items, search: str) -> Items:
    """The first page of items that contain a text, from the wanted offset on."""
    position: int | None = wanted.offset
    looked = 0
    while position is not None and len(wanted.items) < PAGE_ITEMS and looked < MOST_SEARCHED:
        items, wanted.total, following = page_of(data, wanted, position, 250)
        for number, item in enumerate(items):
            if len(wanted.items) == PAGE_ITEMS:
                following = position + number
                break
            looked += 1
            if contains(item, search):
                wanted.items.append(item)
                wanted.numbers.append(position + number)
        position = following
    wanted.next_offset, wanted.searched = position, looked
    return wanted
