"""What a sub-workflow has from the execution that runs it."""

import asyncio
from unittest.mock import AsyncMock, MagicMock

import orjson
import pytest

from app.engine import nodes
from app.engine.run.errors import NodeError
from app.engine.run.ports import ChildRequest, Ports
from app.repository import lifecycle, workflows
from app.repository.connection import open_pool
from app.repository.executions import ExecutionInput
from app.worker.children import queue_child, start_child
from app.worker.exchange import Assignment, Exchange
from app.worker.held_executions import Held
from tests.repository.given import a_worker
from tests.workflows import no_op, node, stored

WAITING = """
    UPDATE executions
       SET status = 'waiting', started_at = now(), resume_on = %s, waits_for = %s, wait_till = %s
     WHERE id = %s
"""
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
    assert (top.root_id, child.root_id, grandchild.root_id) == (claim.id, claim.id, claim.id)
    assert (child.above, grandchild.above) == ((claim.id,), (claim.id, child.claim.id))
    assert len({claim.id, child.claim.id, grandchild.claim.id}) == 3


def test_what_somebody_waits_for_has_parts_that_are_waited_for() -> None:
    child, held = Assignment(MagicMock(), {}, ExecutionInput(), None), MagicMock()
    held._database.send = AsyncMock(return_value=child)

    async def main() -> None:
        for awaited in (True, False):
            await Held._start_child(held, child, Ports(awaited=awaited), ChildRequest([], "w1"))

    asyncio.run(main())
    assert [started.args[0].awaited for started in held.start.call_args_list] == [True, False]


@pytest.mark.parametrize(
    ("root", "waits", "expected"),
    [
        ({"mode": "manual"}, True, True),
        ({"mode": "webhook", "awaited": True}, True, True),
        ({"mode": "webhook"}, True, False),
        ({"mode": "manual"}, False, False),
    ],
    ids=["a manual run", "a caller", "nobody", "a run that did not wait for it"],
)
def test_a_part_that_has_waited_is_waited_for_as_before(database_url, connection, root, waits, expected) -> None:
    workflows.create_workflow(connection, "w1", project_id="default", name="Called", definition=CALLED)
    target = workflows.get_workflow(connection, "w1").target
    top = lifecycle.create_execution(connection, target, **root)
    child, part = (
        lifecycle.create_execution(connection, target, mode="integrated", parent_id=top + place) for place in (0, 1)
    )
    connection.execute(WAITING, ["child", child if waits else None, None, top])
    connection.execute(WAITING, ["child", part, None, child])
    connection.execute(WAITING, [None, None, "2020-01-01", part])
    connection.execute("INSERT INTO execution_data (execution_id, data) VALUES (%s, '{}')", [part])
    worker_id = a_worker(connection)
    connection.commit()
    with open_pool(database_url, size=1, name="worker") as pool:
        [assignment] = Exchange(pool, MagicMock(), worker_id, own=nodes.load())([], 9).assignments
    assert (assignment.claim.id, assignment.awaited) == (part, expected)


@pytest.mark.parametrize(
    ("settings", "callable_by"),
    [
        ({"callerPolicy": "none"}, []),
        ({"callerPolicy": "workflowsFromAList"}, []),
        ({"callerPolicy": "workflowsFromAList", "callerIds": "other, parent"}, ["parent"]),
        ({"callerPolicy": "workflowsFromSameOwner"}, ["parent", "stranger"]),
        ({"callerPolicy": "any"}, ["parent", "stranger"]),
    ],
)
def test_a_workflow_says_which_others_may_call_it(connection, settings, callable_by) -> None:
    called = orjson.dumps({**orjson.loads(CALLED), "settings": settings})
    workflows.create_workflow(connection, "called", project_id="default", name="Called", definition=called)
    worker_id = a_worker(connection)
    for caller in ("parent", "stranger"):
        workflows.create_workflow(connection, caller, project_id="default", name=caller, definition=CALLED)
        lifecycle.create_execution(connection, workflows.get_workflow(connection, caller).target, mode="trigger")
        [claim] = lifecycle.claim(connection, worker_id, 1)
        parent, request = Assignment(claim, {}, ExecutionInput(), None), ChildRequest([], "called")
        if caller in callable_by:
            assert start_child(connection, worker_id, parent, request, b"[]", 1).claim.workflow_id == "called"
            assert queue_child(connection, parent, request, b"[]") > claim.id
            connection.execute("DELETE FROM executions WHERE workflow_id = 'called'")
            continue
        for attempt in (
            lambda: start_child(connection, worker_id, parent, request, b"[]", 1),  # noqa: B023 called at once
            lambda: queue_child(connection, parent, request, b"[]"),  # noqa: B023 called at once
        ):
            with pytest.raises(NodeError, match=r"^The sub-workflow \(called\) cannot be called by this workflow$"):
                attempt()
