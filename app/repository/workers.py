"""Workers and their leases: who is alive. What a lost one held is given up in app/repository/lifecycle/crashes.py.

All times are PostgreSQL's own, so that the clocks of the workers' machines do not matter.
"""

from dataclasses import dataclass

from app.repository import counters
from app.repository.connection import Connection, scalar

REGISTER = """
    INSERT INTO workers (hostname, pid, concurrency, sends_notices, program)
    VALUES (%(hostname)s, %(pid)s, %(concurrency)s, %(sends_notices)s, %(program)s)
    RETURNING id
"""

HEARTBEAT = """
    UPDATE workers AS w
       SET heartbeat_at = clock_timestamp()
     WHERE w.id = %(worker_id)s AND w.stopped_at IS NULL
    RETURNING true
"""

# The lock waits for whatever the worker is about to take, as the update alone would not (HOLD_LEASE).
RETIRE = """
    UPDATE workers AS w
       SET stopped_at = clock_timestamp()
     WHERE w.id = ANY(ARRAY(
               SELECT r.id FROM workers AS r WHERE r.id = %(worker_id)s AND r.stopped_at IS NULL FOR UPDATE))
"""

# The lock on the worker's own row makes what it takes and the reaping of that worker wait for each other. Its beat,
# which changes no key, waits for neither, however much what it takes begins with.
HOLD_LEASE = """
    SELECT true
      FROM workers AS w
     WHERE w.id = %(worker_id)s AND w.stopped_at IS NULL
       FOR KEY SHARE
"""

ALIVE = """
    SELECT count(*), coalesce(sum(w.concurrency), 0)::int
      FROM workers AS w
     WHERE w.stopped_at IS NULL AND w.heartbeat_at > statement_timestamp() - make_interval(secs => %(lease_seconds)s)
"""

# NULL: of a program that did not tell yet.
OTHERS = """
    SELECT w.hostname, w.pid, w.program
      FROM workers AS w
     WHERE w.stopped_at IS NULL AND w.heartbeat_at > statement_timestamp() - make_interval(secs => %(lease_seconds)s)
       AND w.program IS DISTINCT FROM %(program)s
     ORDER BY w.id
     LIMIT %(limit)s
"""

FORGET = """
    DELETE FROM workers AS w
     WHERE w.stopped_at < statement_timestamp() - interval '1 day'
       AND NOT EXISTS (SELECT FROM executions AS e WHERE e.status = 'running' AND e.worker_id = w.id)
    RETURNING w.id
"""


def register(
    connection: Connection,
    *,
    hostname: str,
    pid: int,
    concurrency: int,
    sends_notices: bool = False,
    program: str | None = None,
) -> int:
    """Announce a worker that runs up to `concurrency` executions at once; returns its id. `program`: which one it is.

    While one that `sends_notices` is alive, each execution that fails leaves a notice (app/repository/failures.py).
    """
    values = {"hostname": hostname, "pid": pid, "concurrency": concurrency, "sends_notices": sends_notices}
    return int(scalar(connection, REGISTER, {**values, "program": program}))


def heartbeat(connection: Connection, worker_id: int) -> bool:
    """Prove life. False: the lease had lapsed, what this worker held is crashed, and it must register anew."""
    return bool(scalar(connection, HEARTBEAT, {"worker_id": worker_id}))


def retire(connection: Connection, worker_id: int) -> None:
    """Take a worker that holds nothing out of service."""
    connection.execute(RETIRE, {"worker_id": worker_id})


def hold_lease(connection: Connection, worker_id: int) -> bool:
    """Keep a worker from being reaped while the transaction lasts. False: its lease had lapsed; it may take nothing."""
    return bool(scalar(connection, HOLD_LEASE, {"worker_id": worker_id}))


def forget_old(connection: Connection) -> None:
    """Drop workers that stopped a day ago, and add what they counted to the common totals."""
    gone = [row[0] for row in connection.execute(FORGET)]
    if gone:
        counters.inherit(connection, gone)


@dataclass(frozen=True, slots=True)
class OtherProgram:
    """A worker that is not the program which was asked for; `program` is None where it does not tell."""

    hostname: str
    pid: int
    program: str | None


def list_others(connection: Connection, program: str, *, lease_seconds: float, limit: int) -> list[OtherProgram]:
    """Workers that are alive and another program than this one."""
    values = {"program": program, "lease_seconds": lease_seconds, "limit": limit}
    return [OtherProgram(*row) for row in connection.execute(OTHERS, values)]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many workers are alive, and how many executions they can run at once."""

    workers: int
    slots: int


def read_capacity(connection: Connection, *, lease_seconds: float) -> Capacity:
    """What the workers that have shown life within `lease_seconds` can do."""
    row = connection.execute(ALIVE, {"lease_seconds": lease_seconds}).fetchone()
    assert row is not None
    return Capacity(*row)
