"""What differs: between two executions, and between the version of a workflow that ran and the current one."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, render_template, request

from app.api.executions.executions import require_execution_id
from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.api.face.reads import from_primary_after_all, reading
from app.console.items import pretty
from app.console.pages import may, page
from app.console.structures import read_structure
from app.repository.connection import Connection
from app.repository.errors import ExecutionNotFound, WorkflowNotFound
from app.repository.execution_filters import ExecutionFilter
from app.repository.executions import Execution, get_execution, list_executions
from app.repository.workflows import get_versions, get_workflow
from app.schemas.base import parse_execution_id

MAX_LINES = 2_000
COMPARED = ("came_out", "replaced")
"""Of what is said of a node, that by which two executions differ."""


@dataclass(frozen=True, slots=True)
class NodeDifference:
    """A node in both executions; None where it did not run in one. `same`: what came out is equal, and so is what
    retries gave it in place of its input."""

    name: str
    here: Mapping[str, Any] | None
    there: Mapping[str, Any] | None
    same: bool


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A part of a workflow that is not what it was: lines of both, with their marks."""

    name: str
    how: str
    lines: list[str]


@page("/executions/<execution_id>/compare", scope="execution:read")
def compare_page(execution_id: str) -> Response:
    """An execution beside another one: the one that is named, else the last success of its workflow."""
    named = request.args.get("with", "").strip().removeprefix("#")
    try:
        return Response(render_comparison(execution_id, named))
    except ExecutionNotFound:
        if not named:
            raise
    return Response(render_comparison(execution_id, "", missing=named), 404)


@from_primary_after_all
def render_comparison(execution_id: str, named: str, missing: str = "") -> str:
    """The page as HTML; `missing` was named and is not there. Raises ExecutionNotFound."""
    project_id = caller().project_id
    with reading() as connection:
        here = get_execution(connection, require_execution_id(execution_id), project_id=project_id)
        there = find_other(connection, here, named, project_id)
        nodes: list[NodeDifference] = []
        if there is not None:
            structures = [read_structure(connection, each, project_id) for each in (here, there)]
            nodes = list(compare_nodes(*structures))
    return render_template("compare.html", e=here, other=there, nodes=nodes, missing=missing)


def find_other(connection: Connection, here: Execution, named: str, project_id: str | None) -> Execution | None:
    """What it is compared with. Raises ExecutionNotFound for one that is named and not there."""
    if named:
        return get_execution(connection, parse_execution_id(named) or 0, project_id=project_id)
    wanted = ExecutionFilter(workflow_ids=(here.workflow_id,), statuses=("success",), visible_project=project_id)
    executions = list_executions(connection, wanted, limit=2)
    return next((each for each in executions if each.id != here.id), None)


def compare_nodes(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[NodeDifference]:
    """The nodes of two structures beside each other."""
    sides = [{node["name"]: summarize_node(node) for node in each["nodes"] if node["runs"]} for each in (here, there)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        ours, theirs = sides[0].get(name), sides[1].get(name)
        same = ours is not None and theirs is not None and all(ours[part] == theirs[part] for part in COMPARED)
        yield NodeDifference(name, ours, theirs, same)


def summarize_node(node: Mapping[str, Any]) -> dict[str, Any]:
    """All runs of a node together."""
    runs = node["runs"]
    outputs = [each for run in runs for each in run["outputs"].get("main", []) if each is not None]
    failed = [run["error"]["message"] for run in runs if run["error"]]
    given = [run["inputs"].get("main") for run in runs]
    return {
        "runs": node["runCount"],
        "items": sum(output["items"] for output in outputs),
        "seconds": sum(run["executionTime"] or 0 for run in runs) / 1000,
        "error": failed[-1] if failed else None,
        "came_out": ([run["outputs"] for run in runs], failed),
        "replaced": given,
        "given": sum(each["items"] for inputs in given for each in inputs or () if each) if any(given) else None,
    }


@page("/executions/<execution_id>/changes", scope="execution:read")
@from_primary_after_all
def version_difference(execution_id: str) -> Response:
    """What of the workflow has changed since it ran; as it is now it is for keys that may read workflows."""
    if not may("workflow:read"):
        raise Refused(403, "Forbidden")
    project_id = caller().project_id
    with reading() as connection:
        execution = get_execution(connection, require_execution_id(execution_id), project_id=project_id)
        version = get_versions(connection, [execution.workflow_version_id]).get(execution.workflow_version_id)
        try:
            current = get_workflow(connection, execution.workflow_id, project_id=project_id)
        except WorkflowNotFound:
            current = None
    then = orjson.loads(version.definition) if version else {}
    parts = [] if current is None else list(compare_definitions(then, orjson.loads(current.definition)))
    return Response(render_template("changes.html", e=execution, current=current, parts=parts))


def compare_definitions(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[ChangedPart]:
    """The parts of a workflow that differ: its nodes by their names, and all else by its key."""
    nodes = [{str(n.get("name")): n for n in each.get("nodes") or [] if isinstance(n, dict)} for each in (then, now)]
    for name in dict.fromkeys([*nodes[0], *nodes[1]]):
        yield from compare_part(name, nodes[0].get(name), nodes[1].get(name))
    for key in ("connections", "settings", "pinData"):
        yield from compare_part(key, then.get(key) or None, now.get(key) or None)


def compare_part(name: str, then: Any, now: Any) -> Iterator[ChangedPart]:
    """The part with its lines, where it differs."""
    if then == now:
        return
    how = "new" if then is None else "gone" if now is None else "changed"
    before, after = (([] if side is None else pretty(side).splitlines()[:MAX_LINES]) for side in (then, now))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))
    yield ChangedPart(name, how, [line for line in lines if not line.startswith(("---", "+++", "@@"))])
