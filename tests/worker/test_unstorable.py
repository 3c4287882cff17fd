"""A result that PostgreSQL cannot hold fails by itself and keeps back nothing else."""

import secrets

from tests.worker.graphs import chain, code, no_op


def test_what_is_too_long_for_an_index_fails_alone(queue, start_worker) -> None:
    """The name of a node that keeps something is part of a key."""
    name = secrets.token_urlsafe(6_000)
    queue.save(chain(code("$getWorkflowStaticData('node').count = 1; return $input.all()", name=name)), "long")
    queue.save(chain(no_op()), "short")
    start_worker()
    [long], short = queue.add("long", mode="trigger"), queue.add("short", 3)
    assert {execution.status for execution in queue.wait_for(short)} == {"success"}
    [execution] = queue.wait_for([long])
    assert execution.status == "error"
    assert "could not be stored" in execution.error_message
