"""A worker says how far a long execution is, and nothing of it is left behind."""

import orjson

from app.repository import execution_progress, lifecycle
from tests.patience import wait_until
from tests.workflows import node, set_field, stored

SLOW = stored(set_field("a", "b"), node("Pause", "wait", typeVersion=1.1, parameters={"amount": 50, "unit": "seconds"}))
FLAKY = stored(node("Flaky", "noOp", retryOnFail=True, waitBetweenTries=5_000))
FAILED = rb'[{"json":{"error":"no \u0000, written \\u0000\""}}]'


def test_what_runs_for_long_tells_how_far_it_is(queue, start_worker):
    """Also why a node is tried again, whatever the text: it keeps no other run's progress back."""
    queue.save(SLOW, "slow")
    queue.save(FLAKY, "flaky")
    start_worker()
    slow, flaky = ids = [*queue.add("slow", items=b'[{"json":{}},{"json":{}}]'), *queue.add("flaky", items=FAILED)]

    def said() -> dict[int, dict]:
        known = execution_progress.read(queue.connection, ids)
        return {execution_id: orjson.loads(one.progress) for execution_id, one in known.items()}

    def current() -> dict[int, str]:
        return {execution_id: one["current"] for execution_id, one in said().items()}

    wait_until(lambda: current() == {slow: "Pause", flaky: "Flaky"}, said)
    told = said()
    assert told[slow]["nodes"][0].items() >= {"runs": 1, "items": [2], "status": "success"}.items()
    assert [one["error"] for one in told[flaky]["tries"]] == ['no , written \\u0000"']
    for execution_id in ids:
        lifecycle.stop(queue.connection, execution_id)
    wait_until(lambda: said() == {}, said)
