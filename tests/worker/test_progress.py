"""A worker says how far a long execution is, and nothing of it is left behind."""

from app.repository import execution_progress, lifecycle, workflows
from app.repository.lifecycle import StartInput
from tests.patience import wait_until
from tests.workflows import node, set_field, stored

SLOW = stored(set_field("a", "b"), node("Pause", "wait", typeVersion=1.1, parameters={"amount": 50, "unit": "seconds"}))


def test_what_runs_for_long_tells_how_far_it_is(connect, start_worker):
    connection = connect(autocommit=True)
    workflows.create_workflow(connection, "slow", project_id="default", name="slow", definition=SLOW)
    start_worker()
    target = workflows.get_workflow(connection, "slow").target
    with connection.transaction():
        start = StartInput(items=b'[{"json":{}},{"json":{}}]')
        execution_id = lifecycle.create_execution(connection, target, start, mode="manual")

    def said() -> bytes:
        known = execution_progress.read(connection, [execution_id]).get(execution_id)
        return b"" if known is None else known.progress

    wait_until(lambda: b'"current":"Pause"' in said(), said)
    assert b'"runs":1,"items":[2],"status":"success"' in said()
    lifecycle.stop(connection, execution_id)
    wait_until(lambda: said() == b"", said)
