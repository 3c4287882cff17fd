"""Fills a database of the first release with executions, as its own programs left them."""

from app.repository.connection import Connection

STEP = 100_000

WORKFLOWS = """
    INSERT INTO workflow_versions (workflow_id, name, definition)
    SELECT 'w' || n, 'Workflow ' || n, '{"nodes":[],"connections":{}}' FROM generate_series(1, 20) AS n
"""

CURRENT = """
    INSERT INTO workflows (id, project_id, version_id)
    SELECT v.workflow_id, 'default', v.id FROM workflow_versions AS v
"""

# One in a hundred failed; each left about 1 KB of run data.
EXECUTIONS = """
    WITH made AS (
        INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, created_at,
                                started_at, stopped_at, error_node, error_message, json_size_bytes)
        SELECT v.workflow_id, v.id, 'default',
               CASE WHEN n %% 100 = 0 THEN 'error' ELSE 'success' END,
               CASE WHEN n %% 10 = 0 THEN 'webhook' ELSE 'trigger' END, at.t, at.t, at.t + interval '1 second',
               CASE WHEN n %% 100 = 0 THEN 'HTTP Request' END, CASE WHEN n %% 100 = 0 THEN 'no answer' END, 1000
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
          CROSS JOIN LATERAL (SELECT now() - make_interval(secs => %(rows)s - n)) AS at (t)
          JOIN workflow_versions AS v ON v.workflow_id = 'w' || (1 + n %% 20)
         ORDER BY n
        RETURNING id)
    INSERT INTO execution_data (execution_id, data)
    SELECT m.id, json_build_object('resultData', json_build_object('runData', json_build_object('Start',
             json_build_array(json_build_object('startTime', 1708338600000, 'executionTime', 12, 'data',
             json_build_object('main', json_build_array(json_build_array(json_build_object('json',
             json_build_object('id', m.id, 'text', repeat(md5(m.id::text), 25))))))))))) FROM made AS m
"""


def fill(connection: Connection, rows: int) -> None:
    """Add `rows` ended executions to an empty database (autocommit)."""
    connection.execute("SET synchronous_commit = off")
    connection.execute(WORKFLOWS)
    connection.execute(CURRENT)
    for first in range(1, rows + 1, STEP):
        last = min(first + STEP - 1, rows)
        connection.execute(EXECUTIONS, {"first": first, "last": last, "rows": rows})
    connection.execute("SET synchronous_commit = on")
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
