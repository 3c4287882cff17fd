"""Waiting executions go on when their time has come, not when somebody happens to look."""

from datetime import UTC, datetime, timedelta

from tests.workflows import no_op, stored, wait

WAITING = 2_000
DUE = 300
SPREAD_SECONDS = 3.0

SET_TIMES = """
    UPDATE executions AS e
       SET wait_till = %(first)s + make_interval(secs => t.seconds)
      FROM unnest(%(ids)s::bigint[], %(seconds)s::float[]) AS t (id, seconds)
     WHERE e.id = t.id
"""

ENDS = "SELECT e.id, e.stopped_at FROM executions AS e WHERE e.id = ANY(%s)"


def test_one_that_is_due_between_two_polls_is_not_late(queue, start_worker) -> None:
    queue.save(stored(wait(3600), no_op()))
    [execution_id] = queue.add()
    start_worker(EXECUTIONS_POLL_SECONDS=30)
    queue.wait_for([execution_id], ["waiting"])
    due = datetime.now(UTC) + timedelta(seconds=1.7)
    queue.connection.execute("UPDATE executions SET wait_till = %s", [due])
    [execution] = queue.wait_for([execution_id], seconds=10)
    assert execution.status == "success"
    assert 0 <= (execution.stopped_at - due).total_seconds() < 0.5


def test_of_many_that_wait_hardly_one_is_late(queue, start_worker) -> None:
    queue.save(stored(wait(3600), no_op()))
    ids = queue.add(number=WAITING)
    for _ in range(2):
        start_worker()
    queue.wait_for(ids, ["waiting"], seconds=40)
    first = datetime.now(UTC) + timedelta(seconds=1.5)
    seconds = [SPREAD_SECONDS * n / DUE for n in range(DUE)]
    due = ids[:: WAITING // DUE][:DUE]
    queue.connection.execute(SET_TIMES, {"ids": due, "seconds": seconds, "first": first})
    queue.wait_for(due, ["success"], seconds=20)
    ends = dict(queue.connection.execute(ENDS, [due]).fetchall())
    late = sorted((ends[each] - first).total_seconds() - after for each, after in zip(due, seconds, strict=True))
    assert late[0] >= 0, "one woke before its time"
    assert late[int(len(late) * 0.99)] < 0.5
