"""What a sub-workflow has from the execution that runs it."""

from app.engine.run.ports import ChildRequest
from app.repository import lifecycle, workflows
from app.repository.executions import ExecutionInput
from app.worker.children import start_child
from app.worker.exchange import Assignment
from tests.repository.given import a_worker
from tests.workflows import no_op, node, stored

CALLED = stored(no_op(), trigger=node("In", "executeWorkflowTrigger"))


def test_all_below_an_execution_are_parts_of_the_topmost_one(connection) -> None:
    """They share its processes for node packages, for which a sub-workflow must not wait."""
    workflows.create_workflow(connection, "w1", project_id="default", name="Called", definition=CALLED)
    worker_id = a_worker(connection)
    target = workflows.get_workflow(connection, "w1").target
    lifecycle.create_execution(connection, target, mode="manual")
    [claim] = lifecycle.claim(connection, worker_id, 1)
    top = Assignment(claim, {}, ExecutionInput(), None)
    child = start_child(connection, worker_id, top, ChildRequest([], "w1"), b"[]", 1)
    grandchild = start_child(connection, worker_id, child, ChildRequest([], "w1"), b"[]", 2)
    assert (child.root_id, grandchild.root_id) == (claim.id, claim.id)
    assert len({claim.id, child.claim.id, grandchild.claim.id}) == 3
