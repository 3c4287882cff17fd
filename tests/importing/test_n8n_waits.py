"""What an execution that came in waiting waits for here, once it is released: a time, a call, or a sub-workflow."""

import json
from uuid import UUID

import pytest

from app.engine.run.document import CHILDREN
from app.importing.n8n.executions import ExecutionMapper
from app.importing.n8n.flatted import unflatten
from app.importing.n8n.rows import normalise
from app.importing.n8n.source import SourceExecution
from app.importing.n8n.sub_workflows import CALLS_SEVERAL, name_child, parent_of
from app.repository.lifecycle import read_child, wake_if_over
from tests.importing import many, n8n
from tests.importing.n8n import change, one

WAIT, CALL = "n8n-nodes-base.wait", "n8n-nodes-base.executeWorkflow"
CHILD, PARENT = sorted(n8n.WAITING)
LIMIT = "2126-12-28 09:46:38.324"
NO_LIMIT = "3000-01-01 00:00:00.000"
STATE = "SELECT e.resume_on, e.wait_till IS NOT NULL, e.waits_for FROM executions AS e WHERE e.id = %s"


def store(path, number, *, till=NO_LIMIT, kind=WAIT, parameters=None, metadata=None, **rest):
    """Let an execution wait at a node of this kind."""
    document = unflatten(n8n.flatted_data(number), most_size=10**6) | rest
    due = document["executionData"]["nodeExecutionStack"][0]
    due["node"] |= {"type": kind, "parameters": parameters or {}}
    due["metadata"] = metadata
    change(path, "UPDATE execution_data SET data = ? WHERE executionId = ?", many.flatten(document), number)
    change(path, "UPDATE execution_entity SET waitTill = ? WHERE id = ?", till, number)


@pytest.mark.parametrize(
    ("till", "kind", "parameters", "metadata", "expected"),
    [
        (LIMIT, WAIT, {"resume": "webhook", "limitWaitTime": True}, None, (True, "webhook", None)),
        (LIMIT, WAIT, {"resume": "form", "limitWaitTime": True}, None, (True, "webhook", None)),
        (LIMIT, WAIT, {"resume": "={{ 'webhook' }}"}, None, (True, "webhook", None)),
        (LIMIT, "n8n-nodes-base.gmail", {}, None, (True, "webhook", None)),
        (LIMIT, WAIT, {"resume": "specificTime"}, None, (True, None, None)),
        (LIMIT, WAIT, {"resume": "timeInterval"}, None, (True, None, None)),
        (LIMIT, WAIT, {}, None, (True, None, None)),
        (LIMIT, WAIT, ["odd"], None, (True, None, None)),
        (NO_LIMIT, WAIT, {"resume": "webhook"}, None, (False, "webhook", None)),
        (NO_LIMIT, CALL, {}, {"subExecution": {"executionId": "7"}}, (False, "child", 7)),
        (NO_LIMIT, CALL, {"mode": "once"}, {"subExecution": {"executionId": "7"}}, (False, "child", 7)),
        (NO_LIMIT, CALL, {"mode": "each"}, {"subExecution": {"executionId": "7"}}, (False, "webhook", None)),
        (NO_LIMIT, CALL, {}, {"subExecution": {"executionId": "x"}}, (False, "webhook", None)),
        (NO_LIMIT, CALL, {}, {"subExecution": "odd"}, (False, "webhook", None)),
        (NO_LIMIT, CALL, {}, ["odd"], (False, "webhook", None)),
        (NO_LIMIT, CALL, {}, None, (False, "webhook", None)),
    ],
)
def test_what_an_execution_waits_for(till, kind, parameters, metadata, expected):
    task = {"node": {"name": "Here", "type": kind, "parameters": parameters}, "metadata": metadata}
    document = {"resultData": {"runData": {}}, "executionData": {"nodeExecutionStack": [task]}}
    row = normalise({"id": 9, "workflowId": "w", "status": "waiting", "mode": "webhook", "waitTill": till})
    mapper = ExecutionMapper(
        version_of=lambda execution: UUID(int=1),
        project_of=str,
        tag_of={}.get,
        read_file=lambda reference: None,
        most_bytes=10**6,
    )
    record, losses = mapper.record(SourceExecution(row, document=document))
    assert (record.wait.till is not None, record.wait.resume_on, record.wait.child) == expected
    assert (record.wait.node is None) == (record.wait.resume_on is None), "no call ends a wait for a time"
    assert losses.reasons == ([CALLS_SEVERAL] if parameters == {"mode": "each"} else [])


def test_a_link_with_a_limit_goes_on_working(bring, target, sqlite_file):
    store(sqlite_file, PARENT, till=LIMIT, parameters={"resume": "webhook", "limitWaitTime": True})
    bring(sqlite_file, activate=lambda workflow_id, version_id: None)
    assert one(target, STATE, PARENT) == ("webhook", True, None)


def test_who_waits_for_a_sub_workflow_goes_on_when_that_ends(bring, target, sqlite_file):
    metadata = {"subExecution": {"executionId": str(CHILD), "workflowId": "x"}, "subExecutionsCount": 1}
    store(sqlite_file, PARENT, kind=CALL, metadata=metadata)
    called_by = {"parentExecution": {"executionId": str(PARENT), "workflowId": "y", "shouldResume": True}}
    store(sqlite_file, CHILD, parameters={"resume": "webhook"}, **called_by)
    bring(sqlite_file)
    assert one(target, STATE, PARENT) == (None, True, CHILD)  # n8n is to go on with both until the switch
    bring(sqlite_file, activate=lambda workflow_id, version_id: None)
    wake_if_over(target)
    assert one(target, STATE, PARENT)[0] == "child"
    target.execute(
        "UPDATE executions SET status = 'success', stopped_at = now(), wait_till = NULL, resume_on = NULL"
        " WHERE id = %s",
        [CHILD],
    )
    wake_if_over(target)
    assert one(target, STATE, PARENT) == (None, True, CHILD)
    status, message, _ = read_child(target, PARENT, CHILD)
    assert (status, message) == ("success", None)
    (node,) = one(target, "SELECT d.waiting_node::text FROM execution_data AS d WHERE d.execution_id = %s", PARENT)
    assert json.loads(node)["type"] == CALL


def test_the_document_names_the_sub_workflow_as_this_program_does():
    about = {"subExecution": {"executionId": "7"}}
    task = {"node": {"type": CALL, "parameters": {}}, "metadata": about}
    document = {
        "resultData": {"runData": {"Call": [{"metadata": about}]}},
        "executionData": {"nodeExecutionStack": [task]},
    }
    assert name_child(document) == 7
    assert document["executionData"]["nodeExecutionStack"][0]["metadata"] == {**about, CHILDREN: ["7"]}
    assert document["resultData"]["runData"]["Call"][0]["metadata"] == {"subExecution": {"executionId": "7"}}
    assert parent_of({"parentExecution": {"executionId": "7", "shouldResume": False}}) is None
    assert parent_of({"parentExecution": {"executionId": "7"}}) == 7
    assert parent_of({"parentExecution": ["7"]}) is None
