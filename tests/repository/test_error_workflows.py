"""Which error workflow starts, however an execution ends: one of its own project, and only at an Error Trigger."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from app.repository import executions, failure_groups, failure_words, lifecycle, projects, workflows
from app.repository.execution_filters import ExecutionFilter
from app.repository.lifecycle import Failure, Result, creation, error_workflows
from tests.repository.given import DATA, a_worker
from tests.workflows import node, workflow

TRIGGER = node("On error", "errorTrigger")
WEBHOOK = node("Hook", "webhook", {"path": "p"})
End = Callable[[Any, int, int], None]


def fail(connection, worker_id: int, execution_id: int) -> None:
    failure = Failure({"message": "x"}, "Halt")
    result = Result(execution_id, "error", "trigger", DATA, error_message="x", failure=failure)
    assert lifecycle.finish(connection, worker_id, [result]) == {execution_id}


def stop(connection, worker_id: int, execution_id: int) -> None:
    lifecycle.stop(connection, execution_id)


def stop_many(connection, worker_id: int, execution_id: int) -> None:
    assert lifecycle.stop_many(connection, ExecutionFilter(ids=(execution_id,))) == [execution_id]


def reap(connection, worker_id: int, execution_id: int) -> None:
    connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 hour' WHERE id = %s", [worker_id])
    assert lifecycle.reap(connection, lease_seconds=30, address="https://example.com") == [execution_id]


ENDS = [fail, stop, stop_many, reap]


def save(connection, workflow_id: str, *nodes: dict[str, Any], project_id: str = "default", **settings: Any) -> None:
    definition = orjson.dumps(workflow(list(nodes), settings=settings))
    workflows.create_workflow(
        connection, workflow_id, project_id=project_id, name=f"Workflow {workflow_id}", definition=definition
    )


def run(connection, end: End, workflow_id: str = "w1", *, mode: str = "trigger", depth: int = 0) -> int:
    """An execution of the workflow that has ended so."""
    workflow = workflows.get_workflow(connection, workflow_id)
    execution_id = lifecycle.create_execution(connection, workflow.target, mode=mode)
    connection.execute("UPDATE executions SET depth = %s WHERE id = %s", [depth, execution_id])
    worker_id = a_worker(connection)
    assert [claim.id for claim in lifecycle.claim(connection, worker_id, 1)] == [execution_id]
    end(connection, worker_id, execution_id)
    connection.commit()
    return execution_id


def started(connection, failed: int) -> list[tuple[str, str, str]]:
    """Workflow, project and start node of what started because this execution has failed."""
    return connection.execute(
        """SELECT e.workflow_id, e.project_id, i.start_node
             FROM executions AS e JOIN execution_inputs AS i ON i.execution_id = e.id
            WHERE e.parent_id = %s AND e.mode = 'error'""",
        [failed],
    ).fetchall()


@pytest.mark.parametrize("end", ENDS)
def test_it_starts_at_its_error_trigger(connection, end: End) -> None:
    first, off = {**TRIGGER, "name": "First"}, {**TRIGGER, "name": "Off", "disabled": True}
    save(connection, "alarm", WEBHOOK, first, TRIGGER, off)
    save(connection, "w1", errorWorkflow="alarm")
    assert started(connection, run(connection, end)) == [("alarm", "default", "On error")]


@pytest.mark.parametrize("end", ENDS)
def test_a_workflow_of_another_project_does_not_start(connection, end: End) -> None:
    projects.create_project(connection, "beta", "Beta")
    save(connection, "alarm", TRIGGER, project_id="beta")
    save(connection, "w1", errorWorkflow="alarm")
    assert started(connection, run(connection, end)) == []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("nodes", [[], [WEBHOOK], [WEBHOOK, {**TRIGGER, "disabled": True}]])
def test_without_an_error_trigger_it_does_not_start(connection, end: End, nodes: list[dict[str, Any]]) -> None:
    save(connection, "alarm", *nodes)
    save(connection, "w1", errorWorkflow="alarm")
    assert started(connection, run(connection, end)) == []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("named", [{}, {"errorWorkflow": ""}, {"errorWorkflow": "DEFAULT"}])
def test_a_workflow_that_names_none_has_its_own(connection, end: End, named: dict[str, str]) -> None:
    save(connection, "w1", TRIGGER, **named)
    assert started(connection, run(connection, end)) == [("w1", "default", "On error")]


@pytest.mark.parametrize("end", ENDS)
def test_none_starts_for_manual_runs_stale_names_and_itself(connection, end: End) -> None:
    save(connection, "alarm", TRIGGER)
    save(connection, "w1", errorWorkflow="alarm")
    save(connection, "stale", TRIGGER, errorWorkflow="gone")
    assert started(connection, run(connection, end, mode="manual")) == []
    assert started(connection, run(connection, end, "stale")) == []
    assert started(connection, run(connection, end, "alarm", mode="error")) == []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("settings", "starts"),
    [
        ({"callerPolicy": "none"}, False),
        ({"callerPolicy": "workflowsFromAList", "callerIds": "w11"}, False),
        ({"callerPolicy": "workflowsFromAList", "callerIds": "other, w1"}, True),
    ],
)
def test_one_that_may_not_be_called_does_not_start(
    connection, end: End, settings: dict[str, str], starts: bool
) -> None:
    save(connection, "alarm", TRIGGER, **settings)
    save(connection, "w1", errorWorkflow="alarm")
    failed = run(connection, end)
    assert started(connection, failed) == ([("alarm", "default", "On error")] if starts else [])
    message = connection.execute("SELECT error_message FROM executions WHERE id = %s", [failed]).fetchone()[0]
    assert (error_workflows.NOT_CALLED in (message or "")) is not starts


def test_one_that_nobody_may_call_learns_of_its_own_errors(connection) -> None:
    save(connection, "own", TRIGGER, callerPolicy="none")
    assert started(connection, run(connection, fail, "own")) == [("own", "default", "On error")]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("depth", "project_id", "starts"), [(4, "default", 0), (3, "default", 1), (4, "p2", 1)])
def test_where_many_deep_ones_go_on_no_more_start(
    connection, monkeypatch: pytest.MonkeyPatch, end: End, depth: int, project_id: str, starts: int
) -> None:
    monkeypatch.setattr(creation, "MAX_DEEP", 1)
    projects.create_project(connection, "p2", "Other")
    save(connection, "alert", TRIGGER)
    save(connection, "w1", errorWorkflow="alert")
    save(connection, "deep", project_id=project_id)
    deep = lifecycle.create_execution(connection, workflows.get_workflow(connection, "deep").target, mode="integrated")
    connection.execute(
        "UPDATE executions SET depth = 5, status = 'waiting', started_at = now(), wait_till = 'infinity' WHERE id = %s",
        [deep],
    )
    assert len(started(connection, run(connection, end, depth=depth))) == starts


@pytest.mark.parametrize("end", ENDS)
def test_that_it_was_not_started_is_found_by_words(connection, monkeypatch: pytest.MonkeyPatch, end: End) -> None:
    monkeypatch.setattr(error_workflows, "MAX_DEPTH", 0)
    save(connection, "alarm", TRIGGER)
    save(connection, "w1", errorWorkflow="alarm")
    failed = run(connection, end)
    assert started(connection, failed) == []
    for _ in range(2):
        page = executions.list_executions(connection, ExecutionFilter(error="too many executions"), limit=9)
        assert [each.id for each in page] == [failed]
        failure_groups.group_some(connection)
        failure_words.index_some(connection, enough=1)


def test_it_is_told_what_became_of_the_execution(connection) -> None:
    save(connection, "alarm", TRIGGER)
    save(connection, "w1", errorWorkflow="alarm")
    failed = run(connection, reap)
    [item] = orjson.loads(executions.read_inputs(connection, [failed + 1])[failed + 1].items)
    assert item["json"] == {
        "execution": {
            "id": str(failed),
            "url": f"https://example.com/console/executions/{failed}",
            "error": {"name": "WorkflowCrashedError", "message": "The worker that ran this execution was lost"},
            "mode": "trigger",
        },
        "workflow": {"id": "w1", "name": "Workflow w1"},
    }


@pytest.mark.parametrize("end", ENDS)
def test_what_postgresql_cannot_take_apart_hinders_no_end(connection, end: End) -> None:
    odd = [node("Odd", "noOp", {"a": text}) for text in ("\0", "\0\\\0", "\\u0000", "\\\0")]
    save(connection, "alarm", TRIGGER, *odd)
    save(connection, "w1", *odd, errorWorkflow="alarm")
    assert started(connection, run(connection, end)) == [("alarm", "default", "On error")]
