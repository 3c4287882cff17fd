"""Workflows: how they went lately, and one of them with its graph, executions, versions and triggers."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from flask import Response, render_template, request

from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.api.face.reads import from_primary_after_all, reading
from app.console.addresses import planned_addresses, show_addresses
from app.console.comparison import compare_definitions
from app.console.custom_data import read_beside_rows
from app.console.graph import draw
from app.console.items import pretty
from app.console.pages import asks_for_part, may, page, part
from app.repository import clock
from app.repository.connection import Connection
from app.repository.execution_filters import ExecutionFilter
from app.repository.execution_stats import Stats, StatsFilter, read_last_runs, read_stats
from app.repository.executions import list_executions
from app.repository.overview import list_next_starts, list_webhooks
from app.repository.versions import get_version, list_history
from app.repository.workflow_lists import WorkflowFilter, list_workflows
from app.repository.workflows import Workflow, get_workflow
from app.schemas.base import parse_uuid
from app.triggers import STARTS_WORKFLOWS

WORKFLOWS = 50
STRIP = 14
"""How many of its last runs are shown of a workflow."""
SHOWN_VERSIONS = 30
WEEK = timedelta(days=7)
MAX_INPUT_BYTES = 20_000


@page("/workflows", scope="workflow:list")
@from_primary_after_all
def workflow_list() -> Response:
    """The workflows, with how each went in the last seven days."""
    name, after, active = (request.args.get(each, "").strip() for each in ("name", "after", "active"))
    wanted = WorkflowFilter(
        project_id=caller().project_id,
        name=name[:255] or None,
        active={"true": True, "false": False}.get(active),
    )
    with reading() as connection:
        rows = list_workflows(connection, wanted, limit=WORKFLOWS + 1, after=after[:64], with_definitions=False)
        shown = rows[:WORKFLOWS]
        values = {
            "workflows": shown,
            "more": shown[-1].id if len(rows) > WORKFLOWS else None,
            "given": request.args,
            **read_figures(connection, [workflow.id for workflow in shown]),
        }
    if asks_for_part():
        return part("parts/workflow_rows.html", **values)
    return Response(render_template("workflows.html", **values))


def read_figures(connection: Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Totals of the last seven days, last runs and next starts of these workflows, by their ids."""
    project_id = caller().project_id
    totals: Mapping[str, Stats] = {}
    runs: Mapping[str, Any] = {}
    if ids and may("execution:list"):
        now = clock.now(connection)
        wanted = StatsFilter(begin=now - WEEK, end=now, workflow_ids=tuple(ids), visible_project=project_id)
        totals = read_stats(connection, wanted, "workflow", unit="hour", width=timedelta(hours=1))
        runs = read_last_runs(connection, ids, STRIP, project_id=project_id)
    starts: dict[str, Any] = {}
    for start in list_next_starts(connection, project_id=project_id, workflow_ids=ids):
        starts.setdefault(start.workflow_id, start)
    figures = {workflow_id: figures_of(stats) for workflow_id, stats in totals.items()}
    return {"figures": figures, "runs": runs, "starts": starts}


def figures_of(stats: Stats) -> dict[str, Any]:
    """Count, share of successes, median and 95th percentile in seconds."""
    middle, slow = stats.percentile(0.5), stats.percentile(0.95)
    return {
        "count": stats.count,
        "rate": stats.success_rate,
        "p50": None if middle is None else middle / 1000,
        "p95": None if slow is None else slow / 1000,
    }


@page("/workflows/<workflow_id>", scope="workflow:read")
@from_primary_after_all
def workflow_page(workflow_id: str) -> Response:
    """One workflow."""
    project_id = caller().project_id
    with reading() as connection:
        workflow = get_workflow(connection, workflow_id, project_id=project_id)
        definition = orjson.loads(workflow.definition)
        wanted = ExecutionFilter(workflow_ids=(workflow.id,), visible_project=project_id)
        rows = list_executions(connection, wanted, limit=STRIP) if may("execution:list") else []
        values = {
            "w": workflow,
            "graph": draw(definition),
            "settings": definition.get("settings") or {},
            "triggers": triggers_of(definition),
            "input": input_of(definition),
            "rows": rows,
            **read_beside_rows(connection, rows),
            "addresses": show_addresses(list_webhooks(connection, project_id=project_id, workflow_ids=[workflow.id])),
            "schedules": list_next_starts(connection, project_id=project_id, workflow_ids=[workflow.id]),
            "versions": list_history(connection, workflow.id, limit=SHOWN_VERSIONS),
            **read_figures(connection, [workflow.id]),
        }
    if not workflow.active and not workflow.is_archived:
        values["planned"] = planned_addresses(definition)
    return Response(render_template("workflow.html", cursor=None, state="", **values))


def triggers_of(definition: Mapping[str, Any]) -> list[str]:
    """The nodes that a run can start at, those for runs by hand first."""
    nodes = [node for node in definition.get("nodes") or [] if isinstance(node, dict) and not node.get("disabled")]
    kinds = {str(node.get("name")): str(node.get("type")) for node in nodes}
    names = [name for name, kind in kinds.items() if STARTS_WORKFLOWS.search(kind) or kind.endswith(".manualTrigger")]
    return sorted(names, key=lambda name: not kinds[name].endswith(".manualTrigger"))


def input_of(definition: Mapping[str, Any]) -> str:
    """What a run begins with unless it is changed: the data that is pinned to its first trigger."""
    pinned = definition.get("pinData") if isinstance(definition.get("pinData"), dict) else {}
    first = next((pinned[name] for name in triggers_of(definition) if pinned and pinned.get(name)), None)
    if not isinstance(first, list):
        return "[{}]"
    text = pretty([item.get("json", item) if isinstance(item, dict) else item for item in first])
    return text if len(text) <= MAX_INPUT_BYTES else "[{}]"


@page("/workflows/<workflow_id>/versions/<version_id>", scope="workflow:read")
@from_primary_after_all
def version_page(workflow_id: str, version_id: str) -> Response:
    """What has changed from an earlier version to the current one."""
    number = parse_uuid(version_id)
    if number is None:
        raise Refused(404, "Version not found")
    with reading() as connection:
        workflow: Workflow = get_workflow(connection, workflow_id, project_id=caller().project_id)
        version = get_version(connection, workflow.id, number)
    parts = list(compare_definitions(orjson.loads(version.definition), orjson.loads(workflow.definition)))
    return Response(render_template("version.html", w=workflow, version=version, parts=parts))
