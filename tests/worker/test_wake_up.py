"""Waiting executions go on when their time has come, not when somebody happens to look.

`make bench` lets more wait, and measures how punctually they go on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from app.vocabulary import ENDED
from tests.worker.conftest import Queue
from tests.workflows import no_op, stored, wait

pytestmark = pytest.mark.slow

WAITING = 500
DUE = 100
SPREAD_SECONDS = 3.0

SET_TIMES = """
    UPDATE executions AS e
       SET wait_till = %(first)s + make_interval(secs => t.seconds)
      FROM unnest(%(ids)s::bigint[], %(seconds)s::float[]) AS t (id, seconds)
     WHERE e.id = t.id
"""

ENDS = "SELECT e.id, e.stopped_at FROM executions AS e WHERE e.id = ANY(%s)"


def end_some_waits(queue: Queue, ids: Sequence[int], number: int) -> dict[int, float]:
    """Let so many of these waits be over within SPREAD_SECONDS; by id, how many seconds after that they ended."""
    first = datetime.now(UTC) + timedelta(seconds=1.5)
    seconds = [SPREAD_SECONDS * n / number for n in range(number)]
    due = ids[:: len(ids) // number][:number]
    queue.connection.execute(SET_TIMES, {"ids": due, "seconds": seconds, "first": first})
    queue.wait_for(due, ["success"])
    ends = dict(queue.connection.execute(ENDS, [due]).fetchall())
    return {each: (ends[each] - first).total_seconds() - after for each, after in zip(due, seconds, strict=True)}


def test_one_that_is_due_between_two_polls_is_not_late(queue, start_worker) -> None:
    queue.save(stored(wait(3600), no_op()))
    [execution_id] = queue.add()
    start_worker(EXECUTIONS_POLL_SECONDS=3600)  # whatever wakes it, that does not
    queue.wait_for([execution_id], ["waiting"])
    due = datetime.now(UTC) + timedelta(seconds=1.7)
    queue.connection.execute("UPDATE executions SET wait_till = %s", [due])
    [execution] = queue.wait_for([execution_id], ["success"])
    assert execution.stopped_at >= due


def test_of_many_that_wait_none_is_early_and_none_forgotten(queue, start_worker) -> None:
    queue.save(stored(wait(3600), no_op()))
    ids = queue.add(number=WAITING)
    for _ in range(2):
        start_worker(EXECUTIONS_POLL_SECONDS=3600)
    queue.wait_for(ids, ["waiting"])
    late = end_some_waits(queue, ids, DUE)
    assert min(late.values()) >= 0, "one woke before its time"
    others = sorted(set(ids) - late.keys())
    assert {each.status for each in queue.wait_for(others, ["waiting", *ENDED])} == {"waiting"}, "nor was it its turn"
