"""Workers and their leases: who is alive, and what becomes of the executions of one that is not.

All times are PostgreSQL's own, so that the clocks of the workers' machines do not matter.
"""

from app.repository import counters
from app.repository.connection import Connection
from app.repository.execution_counts import scalar
from app.repository.lifecycle.error_workflows import Failure, start_error_workflows

LOST = "The worker that ran this execution was lost"
CRASHED = {"name": "WorkflowCrashedError", "message": LOST}

REGISTER = """
    INSERT INTO workers (hostname, pid, concurrency, sends_notices)
    VALUES (%(hostname)s, %(pid)s, %(concurrency)s, %(sends_notices)s)
    RETURNING id
"""

HEARTBEAT = """
    UPDATE workers AS w
       SET heartbeat_at = clock_timestamp()
     WHERE w.id = %(worker_id)s AND w.stopped_at IS NULL
    RETURNING true
"""

RETIRE = """
    UPDATE workers AS w
       SET stopped_at = clock_timestamp()
     WHERE w.id = %(worker_id)s AND w.stopped_at IS NULL
"""

# Uses workers_alive. A row that a claim or another reaper holds is left for the next round.
LAPSE = """
    UPDATE workers AS w
       SET stopped_at = clock_timestamp()
     WHERE w.id = ANY(ARRAY(
               SELECT l.id FROM workers AS l
                WHERE l.stopped_at IS NULL
                  AND l.heartbeat_at < clock_timestamp() - make_interval(secs => %(lease_seconds)s)
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

ALIVE = """
    SELECT count(*), coalesce(sum(w.concurrency), 0)
      FROM workers AS w
     WHERE w.stopped_at IS NULL AND w.heartbeat_at > clock_timestamp() - make_interval(secs => %(lease_seconds)s)
"""

FORGET = """
    DELETE FROM workers AS w
     WHERE w.stopped_at < clock_timestamp() - interval '1 day'
       AND NOT EXISTS (SELECT FROM executions AS e WHERE e.status = 'running' AND e.worker_id = w.id)
    RETURNING w.id
"""


def register(connection: Connection, *, hostname: str, pid: int, concurrency: int, sends_notices: bool = False) -> int:
    """Announce a worker that runs up to `concurrency` executions at once; returns its id.

    While one that `sends_notices` is alive, each execution that fails leaves a notice (app/repository/failures.py).
    """
    values = {"hostname": hostname, "pid": pid, "concurrency": concurrency, "sends_notices": sends_notices}
    return int(scalar(connection, REGISTER, values))


def heartbeat(connection: Connection, worker_id: int) -> bool:
    """Prove life. False: the lease had lapsed, what this worker held is crashed, and it must register anew."""
    return bool(scalar(connection, HEARTBEAT, {"worker_id": worker_id}))


def retire(connection: Connection, worker_id: int) -> None:
    """Take a worker that holds nothing out of service."""
    connection.execute(RETIRE, {"worker_id": worker_id})


def reap(connection: Connection, *, lease_seconds: float, address: str | None = None) -> list[int]:
    """Give up the executions of workers that have shown no life for `lease_seconds`; returns their ids.

    Their error workflows start; `address` is where these are told that this server can be reached.
    Any number of reapers may run at once; each execution is given up once.
    """
    lapsed = len(connection.execute(LAPSE, {"lease_seconds": lease_seconds}).fetchall())
    crashed = connection.execute(CRASH, {"message": LOST}).fetchall()
    counters.count_ended(connection, counters.NOBODY, [("crashed", mode) for _, mode in crashed])
    if lapsed:
        counters.add(connection, counters.NOBODY, counters.LEASES_LAPSED, lapsed)
    ids = [execution_id for execution_id, _ in crashed]
    start_error_workflows(connection, dict.fromkeys(ids, Failure(CRASHED, address=address)))
    return ids


def forget_old(connection: Connection) -> None:
    """Drop workers that stopped a day ago, and add what they counted to the common totals."""
    gone = [row[0] for row in connection.execute(FORGET)]
    if gone:
        counters.inherit(connection, gone)


def alive(connection: Connection, *, lease_seconds: float) -> tuple[int, int]:
    """How many workers are alive, and how many executions they can run at once."""
    row = connection.execute(ALIVE, {"lease_seconds": lease_seconds}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
