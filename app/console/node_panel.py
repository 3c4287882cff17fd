"""One node of an execution: what it was given, what it gave, what went wrong, and a retry from there."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request

from app.api.executions.executions import require_execution_id
from app.api.face.auth import caller
from app.api.face.reads import from_primary_after_all, reading
from app.console import items as shapes
from app.console.advice import SUB_EXECUTION, advice_for
from app.console.graph_nodes import SIZE, as_list, draw_node
from app.console.pages import page, part
from app.console.stored_values import TOO_DEEP
from app.console.structures import TOO_LARGE, Items, read_current_tries, read_items, read_run
from app.console.tries import list_tries
from app.repository.connection import Connection
from app.repository.errors import Conflict, NodeDataNotFound
from app.repository.executions import Execution, get_execution
from app.repository.workflows import get_versions
from app.vocabulary import IN_FLIGHT

VIEWS = ("table", "json", "schema")
OF_A_SCHEMA = 1_000
"""Items that are looked into for a schema; the page goes on from there."""
MAX_EDITED = 250
MAX_EDITED_BYTES = 256 * 1024
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
"""What a browser shows as an image and nothing else."""
MAX_NUMBER = 2**31 - 1
PLACES = [f"{side}{what}" for side in ("input", "output") for what in ("", "View", "From")]
"""What an address says of either side of a node: which of several it is, in which view, and from which item on."""


@page("/executions/<execution_id>/node", scope="execution:read")
@from_primary_after_all
def node_panel(execution_id: str) -> Response:
    """What a run of a node was given and gave."""
    with reading() as connection:
        execution = get_execution(connection, require_execution_id(execution_id), project_id=caller().project_id)
        return part("parts/node_panel.html", **panel(connection, execution, request.args.get("node", "")))


def panel(connection: Connection, execution: Execution, name: str) -> dict[str, Any]:
    """What the template of the panel shows. Raises NodeDataNotFound."""
    definition = node_of(connection, execution, name)
    node = draw_node(definition, 0, 0, SIZE)
    wanted = wanted_run()
    node.runs, number, run = read_run(connection, execution, name, wanted)
    now = read_current_tries(connection, execution, name)
    tries = now or (run["tries"] if run else [])
    error = run and run["error"]
    inputs, outputs = ([], []) if run is None else (inputs_of(run, name, number), outputs_of(run, name, number))
    shown = {"input": choose(inputs, "input", 0), "output": choose(outputs, "output", first_filled(outputs))}
    return {
        "e": execution,
        "node": node,
        "number": number,
        "tries": list(list_tries(tries)),
        "is_trying": bool(now),
        "run": run,
        "error": error,
        "advice": error and advice_for(error["message"], error["name"]),
        "sub_advice": SUB_EXECUTION,
        "panes": {side: one and pane(connection, execution, one, f"{side}View") for side, one in shown.items()},
        "address_with": partial(address_with, name, number),
        "input_choices": inputs,
        "output_choices": outputs,
        "is_replaced": any(given.given and given.kind == "main" for given in inputs),
        "edited": editable_input(connection, execution, inputs),
        "may_restart": execution.status not in IN_FLIGHT and run is not None,
        "parameters": shapes.pretty(definition.get("parameters", {})),
        "has_expressions": execution.json_size_bytes > 0 and shapes.has_expressions(definition.get("parameters")),
    }


def wanted_run() -> int | None:
    """The run that the address names: by `run`, which counts from 0, or as `round`, from 1; None for the last."""
    if request.args.get("round"):
        return max(read_number("round") - 1, 0)
    return read_number("run") if request.args.get("run") else None


def node_of(connection: Connection, execution: Execution, name: str) -> dict[str, Any]:
    """The node of this name in the workflow that ran. Raises NodeDataNotFound."""
    version = get_versions(connection, [execution.workflow_version_id]).get(execution.workflow_version_id)
    definition = orjson.loads(version.definition) if version else {}
    for node in as_list(definition.get("nodes")):
        if isinstance(node, dict) and str(node.get("name", "")) == name:
            return node
    raise NodeDataNotFound(f"The workflow that ran has no node '{name}'")


def inputs_of(run: Mapping[str, Any], name: str, number: int) -> list[Items]:
    """Where what the run was given is recorded: at its sources, or with itself where others gave it."""
    own = dict(filled_outputs(run["inputs"].get("main", [])))
    sources = [
        Items(s["previousNode"], s["previousNodeRun"] or 0, "main", s["previousNodeOutput"] or 0, False, 0, 0)
        for place, s in enumerate(run["source"])
        if s is not None and place not in own
    ]
    sources = [Items(name, number, "main", place, True, 0, output["items"]) for place, output in own.items()] + sources
    for kind, each in run["inputs"].items():
        if kind == "main":
            continue
        sources += [
            Items(name, number, kind, place, True, 0, output["items"]) for place, output in filled_outputs(each)
        ]
    return sources


def outputs_of(run: Mapping[str, Any], name: str, number: int) -> list[Items]:
    """All outputs of the run."""
    return [
        Items(name, number, kind, place, False, 0, output["items"] if output else 0)
        for kind, each in run["outputs"].items()
        for place, output in enumerate(each)
    ]


def filled_outputs(outputs: list[Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Those at which something came out, with their numbers."""
    return [(place, output) for place, output in enumerate(outputs) if output is not None]


def first_filled(outputs: list[Items]) -> int:
    """The output that is shown at first: one that has items, if any has."""
    return next((place for place, output in enumerate(outputs) if output.total), 0)


def choose(choices: list[Items], name: str, first: int) -> Items | None:
    """The one that the address names by its place, else the first; from the item on that pages without scripts name."""
    if not choices:
        return None
    place = min(read_number(name), len(choices) - 1) if request.args.get(name) else first
    choices[place].offset = read_number(f"{name}From")
    return choices[place]


def address_with(node: str, run: int, **changed: int | str) -> str:
    """The query of the page that shows this run of a node as it is shown now, but for what is changed."""
    kept = {name: request.args[name] for name in PLACES if request.args.get(name)}
    return urlencode({"node": node, "run": run, **kept, **changed})


def pane(
    connection: Connection, execution: Execution, wanted: Items, view_name: str, search: str = ""
) -> dict[str, Any]:
    """What the template of items shows, in the view that the address has under this name."""
    view = request.args.get(view_name, "table")
    view = view if view in VIEWS else "table"
    problem = None
    if view == "schema":
        wanted.limit = OF_A_SCHEMA
    try:
        read_items(connection, execution, wanted, search)
    except (NodeDataNotFound, Conflict) as error:
        problem = error.message
    shown = wanted.items
    if wanted.is_too_large and not search:
        problem = TOO_LARGE
    return {
        "at": wanted,
        "view": view,
        "search": search,
        "problem": problem,
        "table": shapes.table(shown, wanted.numbers) if view == "table" else None,
        "texts": shapes.texts(shown, wanted.numbers) if view == "json" else None,
        "fields": shapes.schema(shown) if view == "schema" else None,
        "files": [] if view == "schema" else shapes.files(shown, wanted.numbers),
        "images": IMAGES,
    }


def editable_input(connection: Connection, execution: Execution, inputs: list[Items]) -> str | None:
    """The input as JSON that can be changed before a retry; None where there are several, or it is too large."""
    if len(inputs) != 1 or inputs[0].kind != "main" or execution.status in IN_FLIGHT:
        return None
    source = inputs[0]
    wanted = Items(source.node, source.run, source.kind, source.number, source.given, 0, 0, limit=MAX_EDITED)
    try:
        read_items(connection, execution, wanted, "")
    except (NodeDataNotFound, Conflict):
        return None
    if wanted.next_offset is not None or wanted.is_cut or wanted.has_halves:
        return None
    gathered = wanted.items
    has_files = any(isinstance(item, dict) and item.get("binary") for item in gathered)
    text = shapes.pretty(gathered if has_files else [shapes.json_of_item(item) for item in gathered])
    return text if len(text) <= MAX_EDITED_BYTES and TOO_DEEP not in text else None


@page("/executions/<execution_id>/items", scope="execution:read")
@from_primary_after_all
def items_pane(execution_id: str) -> Response:
    """A page of items at one output, as the address says."""
    with reading() as connection:
        number = require_execution_id(execution_id)
        execution = get_execution(connection, number, project_id=caller().project_id)
        search = request.args.get("search", "").strip()[:200]
        return part("parts/items.html", e=execution, pane=pane(connection, execution, wanted_items(), "view", search))


def wanted_items() -> Items:
    """What the address asks for."""
    arguments = request.args
    given = arguments.get("input") == "true"
    place = (arguments.get("node", ""), read_number("run"), arguments.get("type", "main"), read_number("output"))
    return Items(*place, given, read_number("offset"), 0)


def read_number(name: str) -> int:
    """A number of the address; 0 for what is none, or below."""
    text = request.args.get(name, "")
    return min(int(text), MAX_NUMBER) if text.isascii() and text.isdigit() and len(text) < 12 else 0
