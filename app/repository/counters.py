"""Running totals for /metrics, exact because they change in the transaction that they count.

Each worker adds to rows of its own and the API to those of NOBODY, so that two of them seldom wait for
each other; a reader adds the rows up. Whoever adds to several does so last, in the order of names and labels, so that
none of them wait for each other in a circle. An end that has to wait for no other one is counted by the statement that
records it (results.may_be_counted_at_once).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from psycopg import sql

from app.repository.connection import Connection

NOBODY = 0
ENDED = "executions_ended"
CLAIM_LATENCY_BUCKET = "claim_latency_bucket"
CLAIM_LATENCY_SUM = "claim_latency_sum"
LATE_RESULTS = "late_results"
LEASES_LAPSED = "leases_lapsed"
SANDBOX_KILLS = "sandbox_kills"
DELETED = "executions_deleted"
CLAIM_LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)  # seconds

ADD = """
    INSERT INTO counters AS c (counted_by, name, labels, value)
    VALUES (%(counted_by)s, %(name)s, %(labels)s, %(value)s)
    ON CONFLICT (counted_by, name, labels) DO UPDATE SET value = c.value + EXCLUDED.value
"""

# The same for one that has ended, as a part of the statement that ends it (lifecycle/finish_statements.py).
COUNT_ONE = sql.SQL("""
    INSERT INTO counters AS c (counted_by, name, labels, value)
    SELECT %(worker_id)s, 'executions_ended', %(counted_as)s::text, 1
      FROM {source}
     WHERE {wanted} AND %(counted_as)s::text IS NOT NULL
    ON CONFLICT (counted_by, name, labels) DO UPDATE SET value = c.value + EXCLUDED.value
""")

TOTALS = """
    SELECT c.name, c.labels, sum(c.value)
      FROM counters AS c
     GROUP BY c.name, c.labels
     ORDER BY c.name, c.labels
"""

INHERIT = """
    WITH gone AS (
        DELETE FROM counters AS c WHERE c.counted_by = ANY(%(gone)s) RETURNING c.name, c.labels, c.value)
    INSERT INTO counters AS c (counted_by, name, labels, value)
    SELECT 0, g.name, g.labels, sum(g.value) FROM gone AS g GROUP BY g.name, g.labels
     ORDER BY g.name COLLATE "C", g.labels COLLATE "C"
    ON CONFLICT (counted_by, name, labels) DO UPDATE SET value = c.value + EXCLUDED.value
"""


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted under a name and labels."""

    name: str
    labels: Mapping[str, str]
    value: float


def add(connection: Connection, counted_by: int, name: str, value: float, **labels: str) -> None:
    """Add `value` to a total."""
    connection.execute(ADD, {"counted_by": counted_by, "name": name, "labels": encode_labels(labels), "value": value})


def encode_labels(labels: Mapping[str, str]) -> str:
    """Labels as they are stored, which is the same text for the same labels."""
    return orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode()


def count_ended(connection: Connection, counted_by: int, ended: Iterable[tuple[str, str]]) -> None:
    """Count executions that ended, as pairs of status and mode."""
    totals_by_mode = Counter((mode, status) for status, mode in ended)
    for (mode, status), number in sorted(totals_by_mode.items()):  # in the order of their labels
        add(connection, counted_by, ENDED, number, status=status, mode=mode)


def count_deleted(connection: Connection, number: int, *, by: str) -> None:
    """Count executions that were deleted `by` a "call", a "job" or "pruning"."""
    if number:
        add(connection, NOBODY, DELETED, number, by=by)


def observe_claim_latency(connection: Connection, worker_id: int, seconds: Sequence[float]) -> None:
    """Count how long claimed executions had been queued, as a cumulative histogram."""
    for bound in CLAIM_LATENCY_BOUNDS:
        below = sum(1 for value in seconds if value <= bound)
        if below:
            add(connection, worker_id, CLAIM_LATENCY_BUCKET, below, le=str(bound))
    if seconds:
        add(connection, worker_id, CLAIM_LATENCY_BUCKET, len(seconds), le="+Inf")
        add(connection, worker_id, CLAIM_LATENCY_SUM, sum(seconds))


def totals(connection: Connection) -> list[Total]:
    """All totals, over all workers that are and were."""
    return [Total(name, orjson.loads(labels), value) for name, labels, value in connection.execute(TOTALS)]


def inherit(connection: Connection, gone: Sequence[int]) -> None:
    """Add what workers counted that are no more to the common totals."""
    connection.execute(INHERIT, {"gone": list(gone)})
