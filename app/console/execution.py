"""One execution: what it is, its graph and timeline, and how it goes while it runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response, render_template, request
from markupsafe import Markup

from app.api.executions.executions import require_execution_id
from app.api.face.auth import caller
from app.api.face.reads import from_primary_after_all, reading
from app.api.face.services import services
from app.console.advice import ENDED_AT_ONCE, SUB_EXECUTION, advice_for
from app.console.graph import GraphDrawing, draw
from app.console.node_panel import panel
from app.console.pages import page, part
from app.console.structures import read_progress, read_structure, shown_runs, with_end, with_progress
from app.console.timeline import timeline
from app.console.waits import goes_on_at, read_wait
from app.repository.connection import Connection
from app.repository.custom_data import read_custom_data
from app.repository.errors import Conflict, NotFound
from app.repository.execution_progress import changed_since
from app.repository.executions import Execution, get_execution
from app.repository.relatives import MAX_CHAIN_LENGTH
from app.repository.workflows import get_versions
from app.vocabulary import IN_FLIGHT, RETRYABLE


@dataclass(frozen=True, slots=True)
class ExecutionDetails:
    """An execution with the workflow that it ran, the structure of its run, and what it has told while it runs."""

    execution: Execution
    definition: dict[str, Any]
    structure: dict[str, Any]
    graph: GraphDrawing
    told: Mapping[str, Any] | None


def read_details(connection: Connection, execution_id: str) -> ExecutionDetails:
    """All that the page of an execution shows but items. Raises ExecutionNotFound."""
    project_id = caller().project_id
    execution = get_execution(connection, require_execution_id(execution_id), project_id=project_id)
    version = get_versions(connection, [execution.workflow_version_id]).get(execution.workflow_version_id)
    definition = orjson.loads(version.definition) if version else {}
    structure = with_end(read_structure(connection, execution, project_id), execution.status)
    told = read_progress(connection, execution)
    so_far = with_progress(structure, told)
    current = told["current"] if told else None
    graph = draw(definition, so_far, execution.status == "waiting", request.args.get("node") or execution.error_node)
    if current in graph.nodes:
        graph.nodes[current].status = "running"
        graph.nodes[current].failed_tries = len(told.get("tries", ())) if told else 0
    return ExecutionDetails(execution, definition, structure, graph, told)


@page("/executions/<execution_id>", scope="execution:read")
@from_primary_after_all
def execution_page(execution_id: str) -> Response:
    """The page of an execution; with a node in the address, what that node was given and gave."""
    shown = read_values(execution_id)
    chosen = read_panel(shown["e"], shown["node"]) if "node" in request.args else None
    return Response(render_template("execution.html", **shown, panel=chosen))


def read_panel(execution: Execution, node: str | None) -> Markup | None:
    """The panel of a node that the address names; None where the page's script is to ask for it."""
    if node is None:
        return None
    try:
        with reading() as connection:
            return Markup(render_template("parts/node_panel.html", **panel(connection, execution, node)))
    except (Conflict, NotFound):
        return None


@page("/executions/<execution_id>/now", scope="execution:read")
@from_primary_after_all
def execution_now(execution_id: str) -> Response:
    """How it goes by now: head, graph and timeline; with `since` the head, and what has changed in the graph."""
    shown = read_values(execution_id)
    is_whole = shown["told"] is None or shown["graph"].left_out > 0
    ran = None if is_whole else changed_since(shown["told"], request.args.get("since", ""))
    if ran is None:
        return part("parts/execution_now.html", **shown)
    return part("parts/execution_changes.html", **shown, ran={node["node"] for node in ran})


def read_values(execution_id: str) -> dict[str, Any]:
    """What both show. Raises ExecutionNotFound."""
    with reading() as connection:
        shown = read_details(connection, execution_id)
        metadata = read_custom_data(connection, [shown.execution.id]).get(shown.execution.id, {})
        waits_for = read_wait(connection, shown.execution)
    return {**values(shown), "metadata": metadata, "node": chosen_node(shown), "waits_for": waits_for}


def values(shown: ExecutionDetails) -> dict[str, Any]:
    """What the templates of an execution show."""
    execution, structure = shown.execution, shown.structure
    error = structure["error"] or {}
    message = execution.error_message
    saved_at = structure["versionSavedAt"]
    return {
        "e": execution,
        "version_saved_at": saved_at and datetime.fromisoformat(saved_at),
        "live": execution.status in IN_FLIGHT,
        "told": shown.told,
        "retryable": execution.status in RETRYABLE,
        "structure": structure,
        "graph": shown.graph,
        "timeline": timeline(with_progress(structure, shown.told), execution, datetime.now(UTC), shown.told),
        "goes_on_at": goes_on_at(execution),
        "advice": None if message is None else advice_for(message, error.get("name")),
        "sub_advice": SUB_EXECUTION,
        "failed_sub": find_failed_sub_execution(structure, execution),
        "ended_at_once": ENDED_AT_ONCE.get(execution.status),
        "missing_relatives": list(find_missing_relatives(structure, execution)),
        "children": list_children(structure),
        "has_more_children": may_have_more_children(structure),
        "attempts": [attempt for attempt in structure["attempts"] if len(structure["attempts"]) > 1],
        "address": services().settings.webhook_url,
    }


def find_failed_sub_execution(structure: Mapping[str, Any], execution: Execution) -> str | None:
    """The id of the execution in which the node failed that has started it."""
    node = next((node for node in structure["nodes"] if node["name"] == execution.error_node), None)
    if node is None or not node["runs"]:
        return None
    last = node.get("lastRun") or node["runs"][-1]
    return last["subExecution"]["executionId"] if last["error"] and last["subExecution"] else None


def list_children(structure: Mapping[str, Any]) -> list[str]:
    """The ids of the executions that its nodes have started, in the order of nodes; each once."""
    runs = (run for node in structure["nodes"] for run in shown_runs(node))
    return list(dict.fromkeys(child for run in runs for child in run["subExecutions"]))


def may_have_more_children(structure: Mapping[str, Any]) -> bool:
    """Whether a node that starts executions has run more often than its structure shows."""
    cut = [shown for node in structure["nodes"] if node["runCount"] > len(shown := shown_runs(node))]
    return any(run["subExecutions"] for runs in cut for run in runs)


def find_missing_relatives(structure: Mapping[str, Any], execution: Execution) -> Iterator[tuple[str, int]]:
    """What it is a retry of, and what has mended it, where these are among its attempts no more."""
    if len(structure["attempts"]) >= MAX_CHAIN_LENGTH:
        return
    there = {attempt["id"] for attempt in structure["attempts"]}
    for word, number in (("Retry of", execution.retry_of), ("Mended by", execution.retry_success_id)):
        if number is not None and str(number) not in there:
            yield word, number


def chosen_node(shown: ExecutionDetails) -> str | None:
    """The node that the address names; else the one that failed, or that the execution came to last."""
    named = request.args.get("node") or shown.execution.error_node or shown.structure["lastNodeExecuted"]
    return named if named in shown.graph.nodes else None
