"""How failures become problems: appended where executions end, taken apart and added up by one worker at a time.

Read sql/0032.problems.sql first. What became of them is read in app/repository/problems.py.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.bounded_dict import BoundedDict
from app.repository.connection import Connection, scalar
from app.repository.failure_patterns import MAX_MESSAGE_LENGTH, pattern_of

AT_ONCE = 2_000
MAX_PER_WORKFLOW = 200
"""Problems of one workflow that are told apart; what fails in yet another way is added to a common one."""
MAX_KNOWN = 2_000
"""Problems that a process remembers."""
HOURS_KEPT_DAYS = 90
KEPT_DAYS = 365

# What was brought in may have been mended elsewhere.
APPEND = """
    WITH mended AS (
        INSERT INTO mended_failures (execution_id)
        SELECT e.id
          FROM executions AS e
         WHERE e.id = ANY(%(ids)s) AND e.status IN ('error', 'crashed') AND e.retry_success_id IS NOT NULL)
    INSERT INTO execution_failures (execution_id, project_id, workflow_id, version_id, node, message, failed_at)
    SELECT e.id, e.project_id, e.workflow_id, e.workflow_version_id, e.error_node, left(e.error_message, %(longest)s),
           e.stopped_at
      FROM executions AS e
     WHERE e.id = ANY(%(ids)s) AND e.status IN ('error', 'crashed')
"""

TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('failure groups', 0))"

TAKE = """
    DELETE FROM execution_failures AS f
     WHERE f.ctid = ANY(ARRAY(SELECT n.ctid FROM execution_failures AS n LIMIT %(limit)s))
    RETURNING f.execution_id, f.project_id, f.workflow_id, f.version_id, coalesce(f.node, ''), coalesce(f.message, ''),
              f.failed_at,
              coalesce((SELECT v.created_at FROM workflow_versions AS v WHERE v.id = f.version_id), '-infinity')
"""

# Uses problems_by_what_they_are, whose beginning is a workflow.
PATTERNS = """
    SELECT p.project_id, p.workflow_id, p.node, p.pattern
      FROM unnest(%(projects)s::text[], %(workflows)s::text[]) AS w (project_id, workflow_id)
      JOIN problems AS p ON p.project_id = w.project_id AND p.workflow_id = w.workflow_id
"""

# Handled comes back with a version that is newer than any that had it; muted stays muted.
SAVE = """
    INSERT INTO problems AS p (project_id, workflow_id, node, pattern, message, number, first_seen_at, last_seen_at,
                               last_execution_id, newest_version_at)
    VALUES (%(project_id)s, %(workflow_id)s, %(node)s, %(pattern)s, %(message)s, %(number)s, %(first_seen_at)s,
            %(last_seen_at)s, %(last_execution_id)s, %(newest_version_at)s)
    ON CONFLICT (project_id, workflow_id, node, md5(pattern)) DO UPDATE
       SET message = CASE WHEN EXCLUDED.last_seen_at >= p.last_seen_at THEN EXCLUDED.message ELSE p.message END,
           last_execution_id = CASE WHEN EXCLUDED.last_seen_at >= p.last_seen_at THEN EXCLUDED.last_execution_id
                                    ELSE p.last_execution_id END,
           status = CASE WHEN p.status = 'handled' AND EXCLUDED.newest_version_at > p.newest_version_at THEN 'open'
                         ELSE p.status END,
           number = p.number + EXCLUDED.number,
           first_seen_at = least(p.first_seen_at, EXCLUDED.first_seen_at),
           last_seen_at = greatest(p.last_seen_at, EXCLUDED.last_seen_at),
           newest_version_at = greatest(p.newest_version_at, EXCLUDED.newest_version_at)
    RETURNING p.id
"""

SAVE_HOURS = """
    INSERT INTO problem_hours AS h (problem_id, hour, number)
    SELECT %(id)s, x.hour, x.number FROM unnest(%(hours)s::timestamptz[], %(numbers)s::bigint[]) AS x (hour, number)
    ON CONFLICT (problem_id, hour) DO UPDATE SET number = h.number + EXCLUDED.number
"""

SAVE_VERSIONS = """
    INSERT INTO problem_versions AS v (problem_id, version_id, number, last_seen_at)
    SELECT %(id)s, x.version_id, x.number, %(last_seen_at)s
      FROM unnest(%(versions)s::uuid[], %(numbers)s::bigint[]) AS x (version_id, number)
    ON CONFLICT (problem_id, version_id) DO UPDATE
       SET number = v.number + EXCLUDED.number, last_seen_at = greatest(v.last_seen_at, EXCLUDED.last_seen_at)
"""

# In the order of ids, as everything locks that locks several. Most have been named when they failed (KnownProblems).
NAME_PROBLEM = """
    UPDATE executions AS e
       SET problem_id = n.problem_id
      FROM (SELECT h.id, x.problem_id
              FROM unnest(%(ids)s::bigint[], %(problems)s::bigint[]) AS x (id, problem_id)
              JOIN executions AS h ON h.id = x.id
             WHERE h.problem_id IS DISTINCT FROM x.problem_id
             ORDER BY h.id
               FOR NO KEY UPDATE OF h) AS n
     WHERE e.id = n.id
"""

TAKE_MENDED = """
    DELETE FROM mended_failures AS m
     WHERE m.ctid = ANY(ARRAY(SELECT n.ctid FROM mended_failures AS n LIMIT %(limit)s))
    RETURNING m.execution_id
"""

COUNT_MENDED = """
    UPDATE problems AS p
       SET mended = p.mended + m.number
      FROM (SELECT e.problem_id, count(*) AS number
              FROM executions AS e
             WHERE e.id = ANY(%(ids)s) AND e.problem_id IS NOT NULL
             GROUP BY e.problem_id) AS m
     WHERE p.id = m.problem_id
"""

FORGET_HOURS = "DELETE FROM problem_hours AS h WHERE h.hour < now() - make_interval(days => %(days)s)"
FORGET = "DELETE FROM problems AS p WHERE p.last_seen_at < now() - make_interval(days => %(days)s)"


class FailureKind(NamedTuple):
    """What failures of one problem have in common."""

    project_id: str
    workflow_id: str
    node: str
    pattern: str


@dataclass(slots=True, frozen=True)
class FailureGroup:
    """Failures of one kind; each is (execution, version, message, when it failed, when its version was saved)."""

    failures: list[tuple[int, UUID, str, datetime, datetime]] = field(default_factory=list)

    def values(self, kind: FailureKind) -> dict[str, Any]:
        """What SAVE asks for."""
        last = max(self.failures, key=lambda failure: (failure[3], failure[0]))
        return {
            **kind._asdict(),
            "message": last[2],
            "number": len(self.failures),
            "first_seen_at": min(failure[3] for failure in self.failures),
            "last_seen_at": last[3],
            "last_execution_id": last[0],
            "newest_version_at": max(failure[4] for failure in self.failures),
        }


class KnownProblems:
    """The problems that this process has grouped failures into, so that the next ones can be named when they fail.

    To name one afterwards writes its row, with an entry in each index, a second time. This is a guess that may be out
    of date: whoever groups the failure names it anew where it was wrong. For several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: BoundedDict[tuple[str, str, str], int] = BoundedDict(MAX_KNOWN)

    def guess(self, workflow_id: str, node: str | None, message: str | None) -> int | None:
        """The problem that such a failure most likely belongs to; None where none is known."""
        return self._ids.get((workflow_id, node or "", pattern_of(message or ""))) if self._ids else None

    def learn(self, kind: FailureKind, problem_id: int) -> None:
        """Remember what failures of this kind have become."""
        with self._lock:
            self._ids[kind.workflow_id, kind.node, kind.pattern] = problem_id


def append(connection: Connection, ids: Sequence[int]) -> None:
    """Note the failures among executions that this transaction has ended, or brought in ended."""
    if ids:
        connection.execute(APPEND, {"ids": list(ids), "longest": MAX_MESSAGE_LENGTH})


def group_some(connection: Connection, *, limit: int = AT_ONCE, known: KnownProblems | None = None) -> bool:
    """Add up failures that were appended, at most `limit`; whether there may be more. One worker at a time does it.

    `known` learns what they have become.
    """
    if not scalar(connection, TAKE_TURN):
        return False
    taken = connection.execute(TAKE, {"limit": limit}).fetchall()
    groups = grouped(taken)
    problems: dict[int, int] = {}
    for kind, group in merged(connection, groups).items():
        problem_id = save(connection, kind, group)
        problems |= dict.fromkeys((failure[0] for failure in group.failures), problem_id)
        if known is not None:
            known.learn(kind, problem_id)
    if problems:
        connection.execute(NAME_PROBLEM, {"ids": list(problems), "problems": list(problems.values())})
    if len(taken) == limit:
        return True
    # Each of these was appended after its failure, which has its problem by now.
    mended = [row[0] for row in connection.execute(TAKE_MENDED, {"limit": limit})]
    if mended:
        connection.execute(COUNT_MENDED, {"ids": mended})
    return len(mended) == limit


def grouped(taken: Iterable[tuple[Any, ...]]) -> dict[FailureKind, FailureGroup]:
    """The failures that TAKE gave, by kind; equal messages are taken apart once."""
    patterns: dict[str, str] = {}
    groups: dict[FailureKind, FailureGroup] = defaultdict(FailureGroup)
    for execution_id, project_id, workflow_id, version_id, node, message, failed_at, saved_at in taken:
        if message not in patterns:
            patterns[message] = pattern_of(message)
        kind = FailureKind(project_id, workflow_id, node, patterns[message])
        groups[kind].failures.append((execution_id, version_id, message, failed_at, saved_at))
    return groups


def merged(connection: Connection, groups: dict[FailureKind, FailureGroup]) -> dict[FailureKind, FailureGroup]:
    """The same, in the order of kinds, with a common kind for what goes beyond MAX_PER_WORKFLOW."""
    workflows = sorted({(kind.project_id, kind.workflow_id) for kind in groups})
    if not workflows:
        return {}
    projects, ids = (list(column) for column in zip(*workflows, strict=True))
    rows = connection.execute(PATTERNS, {"projects": projects, "workflows": ids})
    known = {FailureKind(*row) for row in rows}
    numbers = Counter((kind.project_id, kind.workflow_id) for kind in known)
    allowed: dict[FailureKind, FailureGroup] = defaultdict(FailureGroup)
    for kind, group in groups.items():
        workflow = (kind.project_id, kind.workflow_id)
        if kind not in known and numbers[workflow] >= MAX_PER_WORKFLOW:
            kind = FailureKind(*workflow, "", "")
        elif kind not in known:
            numbers[workflow] += 1
        allowed[kind].failures.extend(group.failures)
    return dict(sorted(allowed.items(), key=lambda item: item[0]))  # as everybody locks them


def save(connection: Connection, kind: FailureKind, group: FailureGroup) -> int:
    """Add the failures to their problem, which may be new; returns its id."""
    values = group.values(kind)
    problem_id = int(scalar(connection, SAVE, values))
    hours = Counter(failure[3].replace(minute=0, second=0, microsecond=0) for failure in group.failures)
    versions = Counter(failure[1] for failure in group.failures)
    connection.execute(SAVE_HOURS, {"id": problem_id, "hours": list(hours), "numbers": list(hours.values())})
    values = {"id": problem_id, "versions": list(versions), "last_seen_at": values["last_seen_at"]}
    connection.execute(SAVE_VERSIONS, {**values, "numbers": list(versions.values())})
    return problem_id


def forget_old(connection: Connection) -> None:
    """Drop problems that nothing had for a year, and the hours of what is longer ago than trends go."""
    connection.execute(FORGET_HOURS, {"days": HOURS_KEPT_DAYS})
    connection.execute(FORGET, {"days": KEPT_DAYS})
