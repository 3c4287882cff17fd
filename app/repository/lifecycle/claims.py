"""How a worker takes executions from the queue, and learns which it holds no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from psycopg import sql

from app.repository.connection import Connection, scalar
from app.repository.lifecycle.extra_places import CLAIM_DUE_EXTRA, NO_EXTRA_PLACES, ExtraPlaces
from app.vocabulary import Mode

# As workers.hold_lease, with the revision of the list of node packages: what a worker lacks of it, it must not claim.
LOCK_CLAIMING_WORKER = """
    SELECT coalesce((SELECT r.revision FROM node_packages_revision AS r), 0)
      FROM workers AS w
     WHERE w.id = %(worker_id)s AND w.stopped_at IS NULL
       FOR KEY SHARE OF w
"""

# One of each project after the other, in a circle that begins after the project that had its turn last. Uses
# executions_queued: a look for the next project, and the oldest of each. As every project gives one, no more projects
# are looked for than executions are wanted, and those that hold places: of these, none may be taken. Ids that another
# claim holds are skipped, not waited for. The first of them take the free places; of the others, those of projects
# that hold little take extra ones. `|| ''`: rows are changed by their key, and not looked for in the queue once more.
CLAIM_NEW = """
    WITH RECURSIVE after (project_id, place) AS (
        SELECT (SELECT q.project_id FROM executions AS q
                 WHERE q.status = 'new' AND q.project_id > %(turn)s
                 ORDER BY q.project_id LIMIT 1), 1
         UNION ALL
        SELECT (SELECT q.project_id FROM executions AS q
                 WHERE q.status = 'new' AND q.project_id > a.project_id
                 ORDER BY q.project_id LIMIT 1), a.place + 1
          FROM after AS a
         WHERE a.project_id IS NOT NULL AND a.place < %(looks)s
    ), before (project_id, place) AS (
        SELECT (SELECT q.project_id FROM executions AS q
                 WHERE q.status = 'new' AND q.project_id <= %(turn)s
                 ORDER BY q.project_id LIMIT 1), 1
         UNION ALL
        SELECT (SELECT q.project_id FROM executions AS q
                 WHERE q.status = 'new' AND q.project_id > b.project_id AND q.project_id <= %(turn)s
                 ORDER BY q.project_id LIMIT 1), b.place + 1
          FROM before AS b
         WHERE b.project_id IS NOT NULL AND b.place < %(looks)s
    ), turns AS (
        SELECT a.project_id, 1 AS lap, a.place FROM after AS a WHERE a.project_id IS NOT NULL
         UNION ALL
        SELECT b.project_id, 2, b.place FROM before AS b WHERE b.project_id IS NOT NULL
         ORDER BY lap, place
         LIMIT %(looks)s
    ), candidates AS (
        SELECT o.id, o.number, row_number() OVER (ORDER BY o.round, t.lap, t.place) AS place
          FROM turns AS t
          LEFT JOIN unnest(%(projects)s::text[], %(numbers)s::int[]) AS h (project_id, number)
            ON h.project_id = t.project_id
         CROSS JOIN LATERAL (
                   SELECT l.id, row_number() OVER (ORDER BY l.id) AS round,
                          coalesce(h.number, 0) + row_number() OVER (ORDER BY l.id) AS number
                     FROM (SELECT q.id FROM executions AS q
                            WHERE q.status = 'new' AND q.project_id = t.project_id
                            ORDER BY q.id
                            LIMIT %(free)s + greatest(%(extra)s - coalesce(h.number, 0), 0)
                              FOR UPDATE OF q SKIP LOCKED) AS l) AS o
    )
    UPDATE executions AS e
       SET status = 'running', worker_id = %(worker_id)s, started_at = clock_timestamp()
     WHERE e.id = ANY(ARRAY(
               SELECT c.id FROM candidates AS c WHERE c.place <= %(free)s
                UNION ALL
               SELECT m.id
                 FROM (SELECT c.id, c.number, row_number() OVER (ORDER BY c.place) AS place
                         FROM candidates AS c
                        WHERE c.place > %(free)s AND c.number <= %(extra)s) AS m
                WHERE m.number + m.place <= %(extra)s + 1))
       AND e.status || '' = 'new'
    RETURNING e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, e.awaited, false,
              extract(epoch FROM e.started_at - e.created_at)::float
"""

# For a worker that lacks node packages: the oldest of the queue. Uses executions_in_flight.
NEW = sql.SQL("""
    UPDATE executions AS e
       SET status = 'running', worker_id = %(worker_id)s, started_at = clock_timestamp()
     WHERE e.id = ANY(ARRAY(
               SELECT q.id FROM executions AS q
                WHERE q.status = 'new'{runnable}
                ORDER BY q.id
                LIMIT %(limit)s
                  FOR UPDATE OF q SKIP LOCKED))
       AND e.status = 'new'
    RETURNING e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, e.awaited, false,
              extract(epoch FROM e.started_at - e.created_at)::float
""")

# Uses executions_waiting.
DUE = sql.SQL("""
    UPDATE executions AS e
       SET status = 'running', worker_id = %(worker_id)s, wait_till = NULL, resume_on = NULL
     WHERE e.id = ANY(ARRAY(
               SELECT q.id FROM executions AS q
                WHERE q.status = 'waiting' AND q.wait_till <= statement_timestamp()
                  AND q.id <> ALL(%(unclaimed)s::bigint[]){runnable}
                ORDER BY q.wait_till
                LIMIT %(limit)s
                  FOR UPDATE OF q SKIP LOCKED))
       AND e.status = 'waiting'
    RETURNING e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, e.awaited,
              EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id), NULL::float
""")

# For a worker that lacks node packages, which is one that others have to help out for now: each of the queue is looked
# at with its version. Uses the key of workflow_versions. Statements of their own, so that the usual claim has the plan
# that knows of no versions.
RUNNABLE = sql.SQL("""
                  AND NOT EXISTS (SELECT FROM workflow_versions AS v
                                   WHERE v.id = q.workflow_version_id
                                     AND coalesce(v.node_types, node_types_of(v.definition)) && %(lacked)s::text[])""")
# As texts, which are put together once and not at each claim.
CLAIM_DUE = DUE.format(runnable=sql.SQL("")).as_string()
CLAIM_NEW_LACKING, CLAIM_DUE_LACKING = (each.format(runnable=RUNNABLE).as_string() for each in (NEW, DUE))

# Uses executions_in_flight. For a claim of which the answer was lost on its way.
UNACKNOWLEDGED = """
    SELECT e.id, e.workflow_id, e.workflow_version_id, e.project_id, e.mode, e.retry_of, e.awaited,
           EXISTS (SELECT FROM execution_data AS d WHERE d.execution_id = e.id), NULL::float
      FROM executions AS e
     WHERE e.status = 'running' AND e.worker_id = %(worker_id)s AND e.id <> ALL(%(known)s::bigint[])
       AND (e.parent_id IS NULL OR e.parent_id <> ALL(%(starting)s::bigint[]))
     ORDER BY e.id
"""

# Uses executions_waiting.
NEXT_WAIT_SECONDS = """
    SELECT extract(epoch FROM e.wait_till - clock_timestamp())::float
      FROM executions AS e
     WHERE e.status = 'waiting' AND e.wait_till IS NOT NULL
     ORDER BY e.wait_till
     LIMIT 1
"""

NO_LONGER_HELD = """
    SELECT h.id
      FROM unnest(%(ids)s::bigint[]) AS h (id)
      LEFT JOIN executions AS e ON e.id = h.id AND e.status = 'running' AND e.worker_id = %(worker_id)s
     WHERE e.id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution that a worker now holds. `waited_seconds`: from created to claimed.

    `resumed`: it has recorded what ran before, and goes on there. One that was handed over before it began has not.
    """

    id: int
    workflow_id: str
    workflow_version_id: UUID
    project_id: str
    mode: Mode
    retry_of: int | None
    awaited: bool
    resumed: bool
    waited_seconds: float | None


class Known(NamedTuple):
    """What a worker knows to hold: executions, and those of which it is just starting sub-workflows."""

    ids: list[int]
    starting: list[int]


@dataclass(frozen=True, slots=True)
class ClaimTurn:
    """Whose turn it is: the queue's projects after this one in the order of their ids; and what is looked at first,
    waits that are over or the queue. With one free place at a time, no claim but a row of them is fair."""

    project_id: str = ""
    waits_first: bool = True

    def next(self, claims: Sequence[Claim]) -> ClaimTurn:
        """Whose turn it is after these."""
        projects = [claim.project_id for claim in claims if not claim.resumed]
        last = max(projects, key=lambda project: (project <= self.project_id, project), default=self.project_id)
        return ClaimTurn(last, not self.waits_first)


FIRST_TURN = ClaimTurn()

Lacked = Callable[[Connection, int], Sequence[str]]
"""Tells which types of nodes a worker cannot run, at a revision of the list of node packages."""


def lacks_nothing(connection: Connection, revision: int) -> Sequence[str]:
    """What a worker lacks that knows of no packages."""
    return ()


def claim(
    connection: Connection,
    worker_id: int,
    free: int,
    lacked: Lacked = lacks_nothing,
    turn: ClaimTurn = FIRST_TURN,
    extra: ExtraPlaces = NO_EXTRA_PLACES,
    unclaimed: Sequence[int] = (),
) -> list[Claim]:
    """Take at most `free` executions: those whose wait is over and those of the queue, in the order of the `turn`.

    Of the queue it takes the oldest of one project after the other. Beyond these it takes those that `extra` places
    are for. Leaves those with nodes of types that the worker lacks, and the `unclaimed`, whose wait may be over. Takes
    nothing for a worker whose lease has lapsed.
    """
    if free < 1 and extra.places < 1:
        return []
    revision = scalar(connection, LOCK_CLAIMING_WORKER, {"worker_id": worker_id})
    if revision is None:
        return []
    types = list(lacked(connection, revision))
    parameters = {"worker_id": worker_id, "lacked": types, "turn": turn.project_id, "unclaimed": list(unclaimed)}
    claims: list[Claim] = []
    for take in (_take_due, _take_new) if turn.waits_first else (_take_new, _take_due):
        taken = take(connection, parameters, max(free, 0), NO_EXTRA_PLACES if types else extra)
        extra = extra.after([each.project_id for each in taken], max(free, 0))
        free -= len(taken)
        claims += taken
    return claims


def _take_due(connection: Connection, parameters: Mapping[str, object], free: int, extra: ExtraPlaces) -> list[Claim]:
    """Executions whose wait is over: those that are longest over, then those that extra places are for."""
    due = CLAIM_DUE_LACKING if parameters["lacked"] else CLAIM_DUE
    rows = connection.execute(due, {**parameters, "limit": free}).fetchall() if free else []
    if len(rows) == free and extra.places:
        extra = extra.after([Claim(*row).project_id for row in rows], free)
        rows += connection.execute(CLAIM_DUE_EXTRA, {**parameters, **extra.parameters}).fetchall()
    return [Claim(*row) for row in rows]


def _take_new(connection: Connection, parameters: Mapping[str, object], free: int, extra: ExtraPlaces) -> list[Claim]:
    """Executions of the queue, for the free places and for the extra ones."""
    if free + extra.places < 1:
        return []
    if parameters["lacked"]:
        rows = connection.execute(CLAIM_NEW_LACKING, {**parameters, "limit": free})
    else:
        looks = free + extra.places + len(extra.held)
        rows = connection.execute(CLAIM_NEW, {**parameters, **extra.parameters, "free": free, "looks": looks})
    return [Claim(*row) for row in rows]


def seconds_to_next_wait(connection: Connection) -> float | None:
    """How long until the next wait is over (negative: it is already), None when nothing waits for a time."""
    seconds: float | None = scalar(connection, NEXT_WAIT_SECONDS)
    return seconds


def unacknowledged_claims(connection: Connection, worker_id: int, known: Known) -> list[Claim]:
    """Executions that this worker holds without knowing it, because the answer to its claim was lost."""
    values = {"worker_id": worker_id, "known": known.ids, "starting": known.starting}
    return [Claim(*row) for row in connection.execute(UNACKNOWLEDGED, values)]


def no_longer_held(connection: Connection, worker_id: int, ids: Sequence[int]) -> set[int]:
    """Which of the executions that a worker believes it holds it does not hold: stopped, reaped or deleted."""
    rows = connection.execute(NO_LONGER_HELD, {"ids": list(ids), "worker_id": worker_id})
    return {row[0] for row in rows}
