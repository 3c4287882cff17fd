"""Indexes the words of failures' messages: many at once, some time after they were recorded.

Read sql/0060.failure_words.sql first. What is looked for is said in app/repository/error_search.py.
"""

from app.repository.connection import Connection, scalar

WORTH_INDEXING = 500
"""So many failures are waited for, and looked at one by one meanwhile: the more there are of a problem, the fewer of
their words are new."""
MAX_ROWS = 20
AT_ONCE = 4_000
"""So many rows of failures_to_index, and failures, are added at once: some tenths of a second, for which whatever else
the chore does waits. A row that has more is added alone; whoever groups failures leaves one for each of its steps."""
LOOKS = 2
"""For each row that is added, so many others are looked at whether anything of them is left."""

TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended('failure words', 0))"

# As the migration does it, too.
ADD = """
    WITH taken AS (
        DELETE FROM failures_to_index AS t
         WHERE t.ctid = ANY(ARRAY(
                   SELECT n.place
                     FROM (SELECT x.place, row_number() OVER in_order AS number,
                                  sum(cardinality(x.ids)) OVER in_order AS failures
                             FROM (SELECT f.ctid AS place, f.ids FROM failures_to_index AS f LIMIT %(rows)s) AS x
                           WINDOW in_order AS (ORDER BY x.place)) AS n
                    WHERE n.number = 1 OR n.failures <= %(at_once)s))
           AND (SELECT sum(cardinality(s.ids)) FROM failures_to_index AS s) >= %(enough)s
        RETURNING t.ids),
    failed AS (
        SELECT e.id, e.id >> 14 AS block, e.workflow_id, e.project_id, e.mode, e.status, e.problem_id,
               left(e.error_message, 2000) COLLATE "C" AS message
          FROM executions AS e
         WHERE e.id = ANY(ARRAY(SELECT unnest(t.ids) FROM taken AS t)) AND e.error_message IS NOT NULL),
    told_apart AS (
        SELECT f.id, f.block, f.workflow_id, f.project_id, f.mode, f.status, f.problem_id, f.message,
               CASE WHEN count(*) OVER (PARTITION BY f.block, f.workflow_id, f.project_id, f.mode, f.status,
                                                     f.problem_id, f.message) > 8
                    THEN f.message END AS same
          FROM failed AS f),
    parts AS (
        SELECT s.id, s.block, s.workflow_id, s.project_id, s.mode, s.status, s.problem_id, s.message, s.same,
               CASE WHEN s.same IS NULL THEN (row_number() OVER alike - 1) / 100 END AS part
          FROM told_apart AS s
        WINDOW alike AS (PARTITION BY s.block, s.workflow_id, s.project_id, s.mode, s.status, s.problem_id, s.same
                         ORDER BY s.id)),
    added AS (
        INSERT INTO failure_words (ids, terms)
        SELECT array_agg(p.id),
               array_to_tsvector(
                   error_words(string_agg(DISTINCT p.message, ' '))
                   || ARRAY['#' || p.block, 'w:' || left(md5(p.workflow_id), 16), 'p:' || left(md5(p.project_id), 16),
                            'm:' || p.mode, 's:' || p.status, 'g:' || coalesce(p.problem_id, 0)])
          FROM parts AS p
         GROUP BY p.block, p.workflow_id, p.project_id, p.mode, p.status, p.problem_id, p.same, p.part
        RETURNING 1)
    SELECT (SELECT count(*) FROM taken), (SELECT count(*) FROM added)
"""

# From anywhere in the table to the next few. Uses the primary keys.
FORGET_GONE = """
    DELETE FROM failure_words AS w
     WHERE w.id = ANY(ARRAY(
               SELECT o.id
                 FROM failure_words AS o
                WHERE o.id >= (SELECT min(a.id) + floor(random() * (max(a.id) - min(a.id) + 1))::bigint
                                 FROM failure_words AS a)
                ORDER BY o.id
                LIMIT %(looks)s))
       AND NOT EXISTS (SELECT FROM executions AS e WHERE e.id = ANY(w.ids))
"""

NOTE_CHANGED = "INSERT INTO failures_to_index (ids) VALUES (%(ids)s)"


def index_some(connection: Connection, *, enough: int = WORTH_INDEXING) -> bool:
    """Add the words of failures that were grouped, if there are `enough`; whether there may be more.

    One worker at a time does it. Rows of which no execution is left are dropped on the way.
    """
    if not scalar(connection, TAKE_TURN):
        return False
    values = {"rows": MAX_ROWS, "at_once": AT_ONCE, "enough": enough}
    taken, added = connection.execute(ADD, values).fetchone() or (0, 0)
    if added:
        connection.execute(FORGET_GONE, {"looks": LOOKS * added})
    return bool(taken)


def note_changed(connection: Connection, ids: list[int]) -> None:
    """Let executions be found by messages that this transaction has given them, and that no failure came with."""
    if ids:
        connection.execute(NOTE_CHANGED, {"ids": ids})
