"""How failures become problems: appended where executions end, taken apart and added up by one worker at a time.

Read sql/0032.problems.sql first. What became of them is read in app/repository/problems.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import sql

from app.repository.connection import Connection, scalar
from app.repository.execution_totals import THESE
from app.repository.failure_patterns import MAX_MESSAGE_LENGTH, MAX_NODE_LENGTH, pattern_of
from app.repository.known_problems import FailureKind, KnownProblems

AT_ONCE = 2_000
MAX_PER_WORKFLOW = 200
"""Problems of one workflow that are told apart; what fails in yet another way is added to a common one."""
HOURS_KEPT_DAYS = 90
KEPT_DAYS = 365

# Of what has just ended; also a part of the statements that end it (lifecycle/finish_statements.py).
NOTE = sql.SQL("""
    INSERT INTO execution_failures (execution_id, project_id, workflow_id, version_id, node, message, failed_at,
                                    problem_id)
    SELECT e.id, e.project_id, e.workflow_id, e.workflow_version_id, e.error_node, left(e.error_message, %(longest)s),
           e.stopped_at, e.problem_id
      FROM {source}
     WHERE {wanted} AND e.status IN ('error', 'crashed')
""")
APPEND = NOTE.format(source=sql.SQL("executions AS e"), wanted=THESE).as_string()

APPEND_MENDED = """
    INSERT INTO mended_failures (execution_id)
    SELECT e.id
      FROM executions AS e
     WHERE e.id = ANY(%(ids)s) AND e.status IN ('error', 'crashed') AND e.retry_success_id IS NOT NULL
"""

TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('failure groups', 0))"

# Adds the failures `named` to their problems. Handled comes back with a version that is newer than any that had it;
# muted stays muted.
ADD = sql.SQL("""
    cells AS (
        SELECT f.problem_id, f.version_id, date_trunc('hour', f.failed_at, 'UTC') AS hour, count(*) AS number,
               min(f.failed_at) AS first_seen_at, max(f.failed_at) AS last_seen_at,
               (array_agg(f.execution_id ORDER BY f.failed_at DESC, f.execution_id DESC))[1] AS last_execution_id,
               (array_agg(f.message ORDER BY f.failed_at DESC, f.execution_id DESC))[1] AS message
          FROM named AS f
         GROUP BY 1, 2, 3),
    hours AS (
        INSERT INTO problem_hours AS h (problem_id, hour, number)
        SELECT c.problem_id, c.hour, sum(c.number) FROM cells AS c GROUP BY 1, 2
        ON CONFLICT (problem_id, hour) DO UPDATE SET number = h.number + EXCLUDED.number),
    versions AS (
        INSERT INTO problem_versions AS v (problem_id, version_id, number, last_seen_at)
        SELECT c.problem_id, c.version_id, sum(c.number), max(c.last_seen_at) FROM cells AS c GROUP BY 1, 2
        ON CONFLICT (problem_id, version_id) DO UPDATE
           SET number = v.number + EXCLUDED.number, last_seen_at = greatest(v.last_seen_at, EXCLUDED.last_seen_at)),
    added AS (
        UPDATE problems AS p
           SET message = CASE WHEN n.last_seen_at >= p.last_seen_at THEN n.message ELSE p.message END,
               last_execution_id = CASE WHEN n.last_seen_at >= p.last_seen_at THEN n.last_execution_id
                                        ELSE p.last_execution_id END,
               status = CASE WHEN p.status = 'handled' AND n.newest_version_at > p.newest_version_at THEN 'open'
                             ELSE p.status END,
               number = p.number + n.number,
               first_seen_at = least(p.first_seen_at, n.first_seen_at),
               last_seen_at = greatest(p.last_seen_at, n.last_seen_at),
               newest_version_at = greatest(p.newest_version_at, n.newest_version_at)
          FROM (SELECT c.problem_id, sum(c.number) AS number, min(c.first_seen_at) AS first_seen_at,
                       max(c.last_seen_at) AS last_seen_at, max(v.created_at) AS newest_version_at,
                       (array_agg(c.last_execution_id ORDER BY c.last_seen_at DESC, c.last_execution_id DESC))[1]
                       AS last_execution_id,
                       (array_agg(c.message ORDER BY c.last_seen_at DESC, c.last_execution_id DESC))[1] AS message
                  FROM cells AS c
                  LEFT JOIN workflow_versions AS v ON v.id = c.version_id
                 GROUP BY 1) AS n
         WHERE p.id = n.problem_id)
""")

# What was named when it failed is added up at once, if its problem is there and its own; the others are given back.
TAKE = (
    sql.SQL("""
    WITH taken AS (
        DELETE FROM execution_failures AS f
         WHERE f.ctid = ANY(ARRAY(SELECT n.ctid FROM execution_failures AS n LIMIT %(limit)s))
        RETURNING f.execution_id, f.project_id, f.workflow_id, f.version_id, coalesce(f.node, '') AS node,
                  coalesce(f.message, '') AS message, f.failed_at, f.problem_id),
    held AS MATERIALIZED (
        SELECT p.id, p.project_id, p.workflow_id, p.node
          FROM problems AS p
         WHERE p.id = ANY(ARRAY(SELECT DISTINCT t.problem_id FROM taken AS t))
         ORDER BY p.id
           FOR NO KEY UPDATE),
    guessed AS (
        SELECT t.execution_id, t.project_id, t.workflow_id, t.version_id, t.node, t.message, t.failed_at, t.problem_id,
               h.id AS held_id
          FROM taken AS t
          LEFT JOIN held AS h ON h.id = t.problem_id AND h.project_id = t.project_id
                             AND h.workflow_id = t.workflow_id AND h.node = t.node),
    named AS (
        SELECT g.execution_id, g.version_id, g.message, g.failed_at, g.problem_id
          FROM guessed AS g
         WHERE g.held_id IS NOT NULL),
    {add}
    SELECT c.number, g.execution_id, g.project_id, g.workflow_id, g.version_id, g.node, g.message, g.failed_at
      FROM (SELECT count(*) AS number FROM taken AS t) AS c
      LEFT JOIN guessed AS g ON g.held_id IS NULL
""")
    .format(add=ADD)
    .as_string()
)

ADD_NAMED = (
    sql.SQL("""
    WITH named AS (
        SELECT x.problem_id, x.execution_id, x.version_id, x.message, x.failed_at
          FROM unnest(%(problems)s::bigint[], %(ids)s::bigint[], %(versions)s::uuid[], %(messages)b::text[],
                      %(times)s::timestamptz[]) AS x (problem_id, execution_id, version_id, message, failed_at)),
    {add}
    SELECT
""")
    .format(add=ADD)
    .as_string()
)

# Uses problems_by_what_they_are, whose beginning is a workflow.
PATTERNS = """
    SELECT p.project_id, p.workflow_id, p.node, p.pattern
      FROM unnest(%(projects)s::text[], %(workflows)s::text[]) AS w (project_id, workflow_id)
      JOIN problems AS p ON p.project_id = w.project_id AND p.workflow_id = w.workflow_id
"""

# Each is there afterwards, and stays until this transaction has ended.
HOLD = """
    INSERT INTO problems AS p (project_id, workflow_id, node, pattern, message, number, first_seen_at, last_seen_at,
                               last_execution_id, newest_version_at)
    SELECT k.project_id, k.workflow_id, k.node, k.pattern, '', 0, 'infinity', '-infinity', 0, '-infinity'
      FROM unnest(%(projects)s::text[], %(workflows)s::text[], %(nodes)s::text[], %(patterns)s::text[])
        AS k (project_id, workflow_id, node, pattern)
    ON CONFLICT (project_id, workflow_id, node, md5(pattern)) DO UPDATE SET number = p.number
    RETURNING p.id, p.project_id, p.workflow_id, p.node, p.pattern
"""

# In the order of ids, as everything locks that locks several.
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


class Failure(NamedTuple):
    """A failure that its problem is still looked for."""

    execution_id: int
    project_id: str
    workflow_id: str
    version_id: UUID
    node: str
    message: str
    failed_at: datetime


def append(connection: Connection, ids: Sequence[int]) -> None:
    """Note the failures among executions that this transaction has ended."""
    if ids:
        connection.execute(APPEND, {"ids": list(ids), "longest": MAX_MESSAGE_LENGTH})


def append_imported(connection: Connection, ids: Sequence[int]) -> None:
    """Note the failures among executions that this transaction has brought in ended, and which were mended there."""
    if ids:
        append(connection, ids)
        connection.execute(APPEND_MENDED, {"ids": list(ids)})


def group_some(connection: Connection, *, limit: int = AT_ONCE, known: KnownProblems | None = None) -> bool:
    """Add up failures that were appended, at most `limit`; whether there may be more. One worker at a time does it.

    `known` learns what those have become that nobody had named.
    """
    if not scalar(connection, TAKE_TURN):
        return False
    [(number, *first), *others] = connection.execute(TAKE, {"limit": limit}).fetchall()
    if first[0] is not None:
        add_nameless(connection, [Failure(*first), *(Failure(*row[1:]) for row in others)], known)
    if number == limit:
        return True
    # Each of these was appended after its failure, which has its problem by now.
    mended = [row[0] for row in connection.execute(TAKE_MENDED, {"limit": limit})]
    if mended:
        connection.execute(COUNT_MENDED, {"ids": mended})
    return len(mended) == limit


def add_nameless(connection: Connection, failures: Sequence[Failure], known: KnownProblems | None) -> None:
    """Add failures to the problems that their messages tell, which may be new, and name these in their executions."""
    groups = merge_kinds(connection, group_by_kind(failures))
    projects, workflows, nodes, patterns = (list(column) for column in zip(*groups, strict=True))
    kinds = {"projects": projects, "workflows": workflows, "nodes": nodes, "patterns": patterns}
    ids = {FailureKind(*kind): problem_id for problem_id, *kind in connection.execute(HOLD, kinds)}
    named = [(ids[kind], failure) for kind, group in groups.items() for failure in group]
    values = {
        "problems": [problem_id for problem_id, _ in named],
        "ids": [failure.execution_id for _, failure in named],
        "versions": [failure.version_id for _, failure in named],
        "messages": [failure.message for _, failure in named],
        "times": [failure.failed_at for _, failure in named],
    }
    connection.execute(ADD_NAMED, values)
    connection.execute(NAME_PROBLEM, values)
    if known is not None:
        for kind, problem_id in ids.items():
            known.learn(kind, problem_id)


def group_by_kind(failures: Iterable[Failure]) -> dict[FailureKind, list[Failure]]:
    """The failures by kind."""
    groups: dict[FailureKind, list[Failure]] = defaultdict(list)
    for each in failures:
        node, pattern = each.node[:MAX_NODE_LENGTH], pattern_of(each.message)
        groups[FailureKind(each.project_id, each.workflow_id, node, pattern)].append(each)
    return groups


def merge_kinds(connection: Connection, groups: dict[FailureKind, list[Failure]]) -> dict[FailureKind, list[Failure]]:
    """The same, with a common kind for what goes beyond MAX_PER_WORKFLOW."""
    workflows = sorted({(kind.project_id, kind.workflow_id) for kind in groups})
    projects, ids = (list(column) for column in zip(*workflows, strict=True))
    rows = connection.execute(PATTERNS, {"projects": projects, "workflows": ids})
    known = {FailureKind(*row) for row in rows}
    numbers = Counter((kind.project_id, kind.workflow_id) for kind in known)
    allowed: dict[FailureKind, list[Failure]] = defaultdict(list)
    for kind, group in groups.items():
        workflow = (kind.project_id, kind.workflow_id)
        if kind not in known and numbers[workflow] >= MAX_PER_WORKFLOW:
            kind = FailureKind(*workflow, "", "")
        elif kind not in known:
            numbers[workflow] += 1
        allowed[kind].extend(group)
    return allowed


def forget_old(connection: Connection) -> None:
    """Drop problems that nothing had for a year, and the hours of what is longer ago than trends go."""
    connection.execute(FORGET_HOURS, {"days": HOURS_KEPT_DAYS})
    connection.execute(FORGET, {"days": KEPT_DAYS})
