"""How executions went in a span of time: counts and durations from the totals, whatever there are of executions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg import sql

from app.repository.connection import Connection
from app.repository.execution_totals import HOURS_KEPT, MINUTES_KEPT

GROWTH = 1.1
"""From one bucket of durations to the next (duration_bucket in sql/0027.execution_totals.sql)."""
Unit = Literal["minute", "hour", "day"]
KEPT_DAYS: Mapping[Unit, int | None] = {"minute": MINUTES_KEPT, "hour": HOURS_KEPT, "day": None}
ORIGIN = datetime.fromisoformat("2001-01-01T00:00:00+00:00")
"""A Monday, at which weeks begin."""

# What was appended and not added up yet counts as well; it knows minutes.
STATS = sql.SQL("""
    SELECT c.key, c.status, array_agg(c.bucket), array_agg(c.number)
      FROM (SELECT {key} AS key, s.status, s.bucket, sum(s.number)::bigint AS number
              FROM (SELECT t.begins_at, t.workflow_id, t.mode, t.status, t.project_id, b.bucket, b.number
                      FROM execution_totals AS t
                     CROSS JOIN LATERAL unnest(t.buckets, t.numbers) AS b (bucket, number)
                     WHERE t.unit = %(unit)s AND t.begins_at >= %(begin)s AND t.begins_at < %(end)s
                       AND {totals_condition}
                     UNION ALL
                    SELECT x.minute, x.workflow_id, x.mode, x.status, x.project_id, x.bucket, x.number
                      FROM execution_ends AS x
                     WHERE x.minute >= %(begin)s AND x.minute < %(end)s AND {ends_condition}) AS s
             GROUP BY 1, 2, 3) AS c
     GROUP BY 1, 2
""")
ANY_OF = sql.SQL("{column} = ANY({values})")
KEYS = {
    "time": sql.SQL("date_bin(%(width)s, s.begins_at, %(origin)s)"),
    "workflow": sql.SQL("s.workflow_id"),
    "mode": sql.SQL("s.mode"),
    "status": sql.SQL("s.status"),
}
Key = Literal["time", "workflow", "mode", "status"]

# As they were called last, as far as the caller may know.
NAMES = """
    SELECT w.id, v.name
      FROM unnest(%(ids)s::text[]) AS w (id)
     CROSS JOIN LATERAL (
           SELECT v.name
             FROM workflow_versions AS v
            WHERE v.workflow_id = w.id
              AND (%(project_id)s::text IS NULL OR v.project_id IS NULL OR v.project_id = %(project_id)s)
            ORDER BY v.created_at DESC
            LIMIT 1) AS v
"""

# One short range of executions_of_workflow for each mode and status that a workflow has had: `kinds` goes from one of
# them to the next, a look each.
LAST_RUNS = """
    WITH RECURSIVE kinds AS (
        SELECT w.id, f.mode, f.status
          FROM unnest(%(ids)s::text[]) AS w (id)
         CROSS JOIN LATERAL (
               SELECT r.mode, r.status
                 FROM executions AS r
                WHERE r.workflow_id = w.id
                ORDER BY r.workflow_id, r.mode, r.status
                LIMIT 1) AS f
         UNION ALL
        SELECT k.id, f.mode, f.status
          FROM kinds AS k
         CROSS JOIN LATERAL (
               SELECT r.mode, r.status
                 FROM executions AS r
                WHERE r.workflow_id = k.id AND (r.mode, r.status) > (k.mode, k.status)
                ORDER BY r.workflow_id, r.mode, r.status
                LIMIT 1) AS f)
    SELECT w.id, e.id, e.status, e.mode, e.created_at, e.started_at, e.stopped_at
      FROM unnest(%(ids)s::text[]) AS w (id)
     CROSS JOIN LATERAL (
           SELECT newest.id
             FROM kinds AS k
            CROSS JOIN LATERAL (
                  SELECT r.id
                    FROM executions AS r
                   WHERE r.workflow_id = w.id AND r.mode = k.mode AND r.status = k.status
                     AND (%(project_id)s::text IS NULL OR r.project_id = %(project_id)s)
                   ORDER BY r.id DESC
                   LIMIT %(number)s) AS newest
            WHERE k.id = w.id
            ORDER BY newest.id DESC
            LIMIT %(number)s) AS last
      JOIN executions AS e ON e.id = last.id
     ORDER BY e.id DESC
"""


@dataclass(frozen=True, slots=True)
class StatsFilter:
    """What ended from `begin` up to and without `end`; a tuple means any of its values, empty any at all."""

    begin: datetime
    end: datetime
    statuses: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    workflow_ids: tuple[str, ...] = ()
    project_ids: tuple[str, ...] = ()
    visible_project: str | None = None

    def condition(self, alias: str) -> tuple[sql.Composable, dict[str, Any]]:
        """The condition on a table of that alias, and its parameters."""
        values = {
            "status": self.statuses,
            "mode": self.modes,
            "workflow_id": self.workflow_ids,
            "project_id": self.project_ids,
        }
        given = {name: list(wanted) for name, wanted in values.items() if wanted}
        clauses: list[sql.Composable] = [
            ANY_OF.format(column=sql.Identifier(alias, name), values=sql.Placeholder(name)) for name in given
        ]
        if self.visible_project is not None:
            clauses.append(ANY_OF.format(column=sql.Identifier(alias, "project_id"), values=sql.Placeholder("visible")))
            given["visible"] = [self.visible_project]
        return sql.SQL(" AND ").join(clauses or [sql.SQL("true")]), given


@dataclass(frozen=True, slots=True)
class Stats:
    """How many ended, by status, and how long those took that had started."""

    numbers: Counter[str] = field(default_factory=Counter)
    buckets: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many ended, whatever their status."""
        return self.numbers.total()

    @property
    def success_rate(self) -> float | None:
        """The share that succeeded of what succeeded, failed or crashed; None: nothing did."""
        judged = self.numbers["success"] + self.numbers["error"] + self.numbers["crashed"]
        return self.numbers["success"] / judged if judged else None

    def add(self, status: str, buckets: Iterable[int], numbers: Iterable[int]) -> None:
        """Count what ended with this status, by bucket of its duration."""
        for bucket, number in zip(buckets, numbers, strict=True):
            self.numbers[status] += number
            self.buckets[bucket] += number

    def merge(self, other: "Stats") -> None:
        """Count what another one has counted."""
        self.numbers.update(other.numbers)
        self.buckets.update(other.buckets)

    def percentile(self, share: float) -> float | None:
        """Milliseconds that this share of those that had started took at most, within 5 %; None: none had."""
        started = {bucket: number for bucket, number in self.buckets.items() if bucket >= 0}
        rank, seen = share * sum(started.values()), 0
        for bucket, number in sorted(started.items()):
            seen += number
            if seen >= rank:
                return milliseconds(bucket)
        return None


def milliseconds(bucket: int) -> float:
    """The duration that stands for all of a bucket: none in it is further away than 4.8 %, or one millisecond."""
    return round(2 * GROWTH**bucket / (GROWTH + 1), 2)


def read_stats(
    connection: Connection, wanted: StatsFilter, key: Key, *, unit: Unit, width: timedelta
) -> dict[Any, Stats]:
    """What matches by `key`: a time (the beginning of each `width`), or a text. Made from totals of `unit`."""
    totals_condition, parameters = wanted.condition("t")
    ends_condition, _ = wanted.condition("x")
    statement = STATS.format(key=KEYS[key], totals_condition=totals_condition, ends_condition=ends_condition)
    parameters |= {"begin": wanted.begin, "end": wanted.end, "unit": unit, "width": width, "origin": ORIGIN}
    stats: dict[Any, Stats] = {}
    for value, status, buckets, numbers in connection.execute(statement, parameters, prepare=False):
        stats.setdefault(value, Stats()).add(status, buckets, numbers)
    return stats


def read_names(connection: Connection, ids: Sequence[str], *, project_id: str | None) -> dict[str, str]:
    """What workflows are or were called, those that a key limited to `project_id` may know of."""
    return dict(connection.execute(NAMES, {"ids": list(ids), "project_id": project_id}).fetchall())


@dataclass(frozen=True, slots=True)
class LastRun:
    """One of the newest executions of a workflow."""

    id: int
    status: str
    mode: str
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None


def read_last_runs(
    connection: Connection, ids: Sequence[str], number: int, *, project_id: str | None
) -> dict[str, list[LastRun]]:
    """The newest `number` executions of each workflow, newest first, whatever their status."""
    values = {"ids": list(ids), "number": number, "project_id": project_id}
    runs: dict[str, list[LastRun]] = {workflow_id: [] for workflow_id in ids}
    for workflow_id, *run in connection.execute(LAST_RUNS, values, prepare=False):
        runs[workflow_id].append(LastRun(*run))
    return runs
