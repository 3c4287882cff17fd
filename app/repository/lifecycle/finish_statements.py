"""The statements by which the worker that holds executions records what became of them.

To begin a statement costs PostgreSQL more than a row does, and more the more indexes and constraints it has to look up.
So what is appended of an end for statistics and problems is a part of the statement that guards it, as is the question
whether anybody watches; and ends that come together share one.
"""

from psycopg import sql

from app.repository import counters, execution_totals, failure_groups
from app.repository.execution_events import WATCHED

# What the parts after it ask for.
RECORDED = sql.SQL("""e.id, e.started_at, e.stopped_at, e.project_id, e.workflow_id, e.workflow_version_id, e.mode,
                  e.status, e.error_node, e.error_message, e.problem_id""")

SAVE_DATA = sql.SQL("""
    -- The end of a statement whose guard gives the ids `recorded`: the data, if any, is written where the guard held.
    , saved AS (
        INSERT INTO execution_data AS d (execution_id, encoding, encoded, run_index, waiting_node)
        SELECT r.id, %(encoding)s, %(encoded)s::bytea, %(run_index)s::bytea, %(waiting_node)s::text::json
          FROM recorded AS r
         WHERE %(encoded)s::bytea IS NOT NULL
        ON CONFLICT (execution_id) DO UPDATE
           SET data = NULL, encoding = EXCLUDED.encoding, encoded = EXCLUDED.encoded, run_index = EXCLUDED.run_index,
               waiting_node = EXCLUDED.waiting_node)
    SELECT r.id, {watched} FROM recorded AS r
""").format(watched=WATCHED)

# Where no data is written, what it says of it stays, too.
DATA_COLUMNS = sql.SQL("""json_size_bytes = coalesce(%(json_size_bytes)s::bigint, e.json_size_bytes),
               input_preview = CASE WHEN %(encoded)s::bytea IS NULL THEN e.input_preview
                                    ELSE %(input_preview)s::text::json END""")

# What ran before a stop stays readable: the worker that was stopped adds it to the canceled execution.
KEEP_STOPPED_DATA = (
    sql.SQL("""
    WITH recorded AS (
        UPDATE executions AS e
           SET {data_columns}
         WHERE e.id = %(id)s AND e.status = 'canceled' AND e.worker_id = %(worker_id)s
        RETURNING e.id)
    {save_data}
""")
    .format(data_columns=DATA_COLUMNS, save_data=SAVE_DATA)
    .as_string()
)

ENDED = {"source": sql.SQL("recorded AS e"), "wanted": sql.SQL("true")}
COUNT = sql.SQL(", counted AS ({count})").format(count=execution_totals.COUNT.format(**ENDED))
COUNT_ONE = sql.SQL(", counted AS ({count}), totaled AS ({add})").format(
    count=execution_totals.COUNT_ONE.format(**ENDED), add=counters.COUNT_ONE.format(**ENDED)
)
NOTE_FAILURES = sql.SQL(", failed AS ({note})").format(note=failure_groups.NOTE.format(**ENDED))


def statement_of_one(parts: sql.Composable) -> str:
    """The statement that records one result, with these parts: only the worker that holds it may end it."""
    statement = sql.SQL("""
    WITH recorded AS (
        UPDATE executions AS e
           SET status = %(status)s,
               stopped_at = CASE WHEN %(status)s = 'waiting' THEN NULL ELSE clock_timestamp() END,
               wait_till = %(wait_till)s,
               resume_on = %(resume_on)s,
               waits_for = %(waits_for)s,
               error_node = %(error_node)s,
               error_message = %(error_message)s,
               problem_id = %(problem_id)s,
               {data_columns}
         WHERE e.id = %(id)s AND e.status = 'running' AND e.worker_id = %(worker_id)s
        RETURNING {recorded}){parts}
    {save_data}
""")
    wanted = {"recorded": RECORDED, "parts": parts, "data_columns": DATA_COLUMNS, "save_data": SAVE_DATA}
    return statement.format(**wanted).as_string()


def statement_of_many(parts: sql.Composable) -> str:
    """The statement that records several ends, with these parts.

    They are locked in the order of ids, as by one statement each. (As in execution_totals.APPEND, no plan is made for
    how many they are.) Texts are sent in binary form (`b`): to escape the quotes of previews in an array would take a
    worker longer than to make the previews.
    """
    statement = sql.SQL("""
    WITH locked AS MATERIALIZED (
        SELECT e.id
          FROM executions AS e
         WHERE e.id = ANY(ARRAY(SELECT unnest(%(ids)s::bigint[])))
           AND e.status = 'running' AND e.worker_id = %(worker_id)s
         ORDER BY e.id
           FOR NO KEY UPDATE),
    recorded AS (
        UPDATE executions AS e
           SET status = r.status, stopped_at = clock_timestamp(), wait_till = NULL, resume_on = NULL, waits_for = NULL,
               error_node = r.error_node, error_message = r.error_message, problem_id = r.problem_id,
               json_size_bytes = r.json_size_bytes, input_preview = r.input_preview::json
          FROM locked AS l
          JOIN unnest(%(ids)s::bigint[], %(statuses)b::text[], %(error_nodes)b::text[], %(error_messages)b::text[],
                      %(problem_ids)s::bigint[], %(sizes)s::bigint[], %(previews)b::text[], %(encodings)b::text[],
                      %(contents)b::bytea[])
            AS r (id, status, error_node, error_message, problem_id, json_size_bytes, input_preview, encoding, encoded)
            ON r.id = l.id
         WHERE e.id = l.id AND e.status = 'running' AND e.worker_id = %(worker_id)s
        RETURNING {recorded}, r.encoding, r.encoded){parts}
    INSERT INTO execution_data AS d (execution_id, encoding, encoded)
    SELECT r.id, r.encoding, r.encoded FROM recorded AS r
    ON CONFLICT (execution_id) DO UPDATE
       SET data = NULL, encoding = EXCLUDED.encoding, encoded = EXCLUDED.encoded, run_index = NULL, waiting_node = NULL
    RETURNING d.execution_id, {watched}
""")
    return statement.format(recorded=RECORDED, parts=parts, watched=WATCHED).as_string()


FINISH = statement_of_one(COUNT_ONE)
FINISH_FAILED = statement_of_one(COUNT_ONE + NOTE_FAILURES)
FINISH_MANY = statement_of_many(COUNT)
FINISH_MANY_FAILED = statement_of_many(COUNT + NOTE_FAILURES)
"""Where none of the ends is a failure, nothing looks for any."""
