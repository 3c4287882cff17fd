"""A million executions of twenty workflows, or a tenth of them, for tests that look at how much a statement reads."""

import os

from psycopg import sql

from app.repository import connection as connection_module
from app.repository import failure_words

ROWS = int(os.environ.get("PLAN_ROWS", "100000"))
"""How many: a tenth of a million in `make test`, all of it in `make check-plans`. What is rare is so in both."""

FILL = """
    INSERT INTO projects (id, name) VALUES ('small', 'Small project');

    INSERT INTO workflow_versions (workflow_id, project_id, name, definition)
    SELECT 'w' || n, CASE WHEN n IN (1, 9) THEN 'small' ELSE 'default' END, 'Workflow ' || n, '{"nodes":[]}'
      FROM generate_series(1, 20) AS n;

    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, created_at, started_at,
                            stopped_at, retry_of, vote, error_message, json_size_bytes, problem_id)
    SELECT v.workflow_id, v.id, CASE WHEN v.workflow_id IN ('w1', 'w9') THEN 'small' ELSE 'default' END,
           CASE WHEN n %% 100 = 0 THEN 'error' WHEN n %% 500 = 1 THEN 'canceled' ELSE 'success' END,
           CASE WHEN n %% 997 = 0 THEN 'retry' WHEN n %% 10 = 0 THEN 'webhook' ELSE 'trigger' END,
           t, t, t + interval '1 second', CASE WHEN n %% 997 = 0 THEN n - 1 END,
           CASE WHEN n %% 2000 = 0 THEN 'up' END, CASE WHEN n %% (%(rows)s / 10) = 0 THEN 'a rare one failed'
                WHEN n = 600 THEN 'failed long ago'
                WHEN n %% 100 = 0 THEN 'failed' END, 2000,
           CASE WHEN n %% 100 = 0 THEN CASE v.workflow_id WHEN 'w1' THEN 2 ELSE 1 END END
      FROM generate_series(1, %(rows)s) AS n
      CROSS JOIN LATERAL (SELECT now() - make_interval(secs => %(rows)s - n)) AS at (t)
      JOIN workflow_versions AS v
        ON v.workflow_id = 'w' || CASE WHEN n <= %(rows)s * 3 / 10 THEN 1 + n %% 3 ELSE 4 + n %% 15 END
     ORDER BY n;

    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode)
    SELECT v.workflow_id, v.id, 'default', 'new', 'webhook'
      FROM generate_series(1, 200), workflow_versions AS v WHERE v.workflow_id = 'w20';

    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, wait_till)
    SELECT v.workflow_id, v.id, 'default', 'waiting', 'webhook', now(), now() - interval '1 second'
      FROM generate_series(1, 200), workflow_versions AS v WHERE v.workflow_id = 'w20';

    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, worker_id)
    SELECT v.workflow_id, v.id, 'default', 'running', 'webhook', now(), n %% 5
      FROM generate_series(1, 200) AS n, workflow_versions AS v WHERE v.workflow_id = 'w20';

    INSERT INTO workers (hostname, pid, concurrency) VALUES ('host', 1, 50);
    INSERT INTO problems (project_id, workflow_id, node, pattern, message, number, first_seen_at, last_seen_at,
                          last_execution_id, newest_version_at)
    SELECT x.project, x.workflow, '', '', '', 1, now(), now(), 1, now()
      FROM (VALUES ('default', 'w4'), ('small', 'w1')) AS x (project, workflow);

    INSERT INTO tags (id, name) VALUES ('rare', 'rare'), ('common', 'common');
    INSERT INTO execution_tags (execution_id, tag_id)
    SELECT e.id, CASE WHEN e.id %% (%(rows)s / 10) = 0 THEN 'rare' ELSE 'common' END
      FROM executions AS e
     WHERE e.id %% 100 = 0;
    INSERT INTO execution_metadata (execution_id, key, value)
    SELECT e.id, 'customer', (e.id %% (%(rows)s / 100))::text
      FROM executions AS e
     WHERE e.id %% 50 = 0;
    INSERT INTO execution_metadata (execution_id, key, value)
    SELECT e.id, 'old', '' FROM executions AS e WHERE e.id < %(rows)s / 10 AND e.id %% 2 = 0;
    INSERT INTO bulk_calls (id) OVERRIDING SYSTEM VALUE VALUES (1), (2);
    INSERT INTO bulk_call_executions (call_id, execution_id)
    SELECT CASE WHEN e.id < %(rows)s / 10 THEN 2 ELSE 1 END, e.id FROM executions AS e WHERE e.id %% 100 = 7;
    INSERT INTO execution_totals (unit, begins_at, workflow_id, mode, status, project_id, buckets, numbers)
    SELECT u.unit, t, 'w' || n, 'webhook', 'success', 'default', '{50,60,70}', '{1,20,3}'
      FROM (VALUES ('hour', interval '90 days'), ('minute', interval '1 day')) AS u (unit, age)
      CROSS JOIN LATERAL generate_series(date_trunc('hour', now()) - age, now(), ('1 ' || u.unit)::interval) AS at (t)
      CROSS JOIN generate_series(1, 20) AS n;
"""


FAILURES = """
    INSERT INTO failures_to_index (ids)
    SELECT array_agg(e.id ORDER BY e.id) FROM executions AS e WHERE e.status = 'error'
"""

INDEXES = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i
     WHERE i.indrelid IN ('executions'::regclass, 'execution_metadata'::regclass)
       AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
"""


def fill(database_url: str) -> None:
    """All the executions. Their keys are not looked at row by row, and indexes are made afterwards: half the work."""
    with connection_module.connect(database_url, autocommit=True) as connection:
        indexes = connection.execute(INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        for statement in FILL.split(";\n\n"):
            for single in statement.split(";\n    INSERT"):
                text = single if single.strip().startswith("INSERT") else "INSERT" + single
                role = "replica" if "INTO executions (" in text else "origin"  # tags need their trigger
                connection.execute(sql.SQL("SET session_replication_role = {}").format(sql.Identifier(role)))
                connection.execute(sql.SQL(text), {"rows": ROWS})
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute(FAILURES)
        while failure_words.index_some(connection):
            pass
        connection.execute("VACUUM (ANALYZE)")
