"""How the executions of a lost worker become `crashed`."""

from app.repository import counters
from app.repository.connection import Connection
from app.repository.lifecycle.endings import Ending, append, follow_up
from app.repository.lifecycle.error_workflows import Failure

LOST = "The worker that ran this execution was lost"
CRASHED = {"name": "WorkflowCrashedError", "message": LOST}

# Uses workers_alive. A row that a claim or another reaper holds is left for the next round.
LAPSE = """
    UPDATE workers AS w
       SET stopped_at = clock_timestamp()
     WHERE w.id = ANY(ARRAY(
               SELECT l.id FROM workers AS l
                WHERE l.stopped_at IS NULL
                  AND l.heartbeat_at < statement_timestamp() - make_interval(secs => %(lease_seconds)s)
                  FOR UPDATE SKIP LOCKED))
    RETURNING w.id
"""

# Uses executions_in_flight; runs after LAPSE in the same transaction, with a snapshot that sees every
# claim which held the worker's row before LAPSE did.
CRASH = """
    UPDATE executions AS e
       SET status = 'crashed', stopped_at = clock_timestamp(), error_message = %(message)s
     WHERE e.id = ANY(ARRAY(
               SELECT r.id FROM executions AS r
                WHERE r.status = 'running'
                  AND NOT EXISTS (SELECT FROM workers AS w WHERE w.id = r.worker_id AND w.stopped_at IS NULL)
                ORDER BY r.id
                  FOR UPDATE SKIP LOCKED))
    RETURNING e.id, e.mode
"""


def reap(connection: Connection, *, lease_seconds: float, address: str | None = None) -> list[int]:
    """Give up the executions of workers that have shown no life for `lease_seconds`; returns their ids.

    Their error workflows start; `address` is where these are told that this server can be reached.
    Any number of reapers may run at once; each execution is given up once.
    """
    lapsed = len(connection.execute(LAPSE, {"lease_seconds": lease_seconds}).fetchall())
    crashed = connection.execute(CRASH, {"message": LOST}).fetchall()
    failure = Failure(CRASHED, address=address)
    with connection.pipeline():
        endings = [Ending(execution_id, "crashed", mode, failure) for execution_id, mode in crashed]
        append(connection, endings)
        follow_up(connection, endings)
    if lapsed:
        counters.add(connection, counters.NOBODY, counters.LEASES_LAPSED, lapsed)
    return [execution_id for execution_id, _ in crashed]
