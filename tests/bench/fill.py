"""Fills a database with executions as years of use would leave them, about 1.1 KB of run data each."""

import random
import time

import orjson

from app.repository import failure_words
from app.repository.connection import Connection
from app.repository.execution_data import encode_run_data

STEP = 100_000
SAMPLES = 1_000

WORKFLOWS = """
    INSERT INTO workflow_versions (workflow_id, project_id, name, definition)
    SELECT 'w' || n, CASE WHEN n > 16 THEN 'other' ELSE 'default' END, 'Workflow ' || n, '{"nodes":[],"connections":{}}'
      FROM generate_series(1, 20) AS n
"""

CURRENT = """
    INSERT INTO workflows (id, project_id, version_id)
    SELECT v.workflow_id, v.project_id, v.id FROM workflow_versions AS v WHERE v.workflow_id ~ '^w[0-9]+$'
"""

TAGS = "INSERT INTO tags (id, name) VALUES ('t1', 'Tag 1')"
OTHER_PROJECT = "INSERT INTO projects (id, name) VALUES ('other', 'Other project')"

# One in a hundred failed. One a second since long ago, so that times rise as ids do.
EXECUTIONS = """
    WITH made AS (
        INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, created_at,
                                started_at, stopped_at, vote, error_node, error_message, json_size_bytes)
        SELECT v.workflow_id, v.id, v.project_id,
               CASE WHEN n %% 100 = 0 THEN 'error' ELSE 'success' END,
               CASE WHEN n %% 10 = 0 THEN 'webhook' ELSE 'trigger' END, at.t, at.t, at.t + interval '1 second',
               CASE WHEN n %% 500 = 1 THEN 'up' END,
               CASE WHEN n %% 100 = 0 THEN 'HTTP Request' END, CASE WHEN n %% 100 = 0 THEN 'no answer' END, 1100
          FROM generate_series(1, %(rows)s::bigint) AS n
          CROSS JOIN LATERAL (SELECT %(last)s::timestamptz + n * interval '1 second') AS at (t)
          JOIN workflow_versions AS v ON v.workflow_id = 'w' || (1 + n %% 20)
         ORDER BY n
        RETURNING id),
    tagged AS (
        INSERT INTO execution_metadata (execution_id, key, value)
        SELECT m.id, 'customer', (m.id %% 10007)::text FROM made AS m WHERE m.id %% 50 = 0)
    INSERT INTO execution_data (execution_id, encoded, encoding)
    SELECT m.id, s.encoded, s.encoding FROM made AS m JOIN samples AS s ON s.n = m.id %% %(samples)s
"""

LAST = """
    SELECT coalesce((SELECT e.created_at FROM executions AS e ORDER BY e.id DESC LIMIT 1), now() - interval '400 days')
"""

# What failed since it was filled last, for searches by words.
FAILURES = """
    INSERT INTO failures_to_index (ids)
    SELECT array_agg(e.id) FROM executions AS e WHERE e.status = 'error' AND NOT e.tagged HAVING count(*) > 0
"""

# All that failed carries a tag; as one in a hundred fails and there are twenty workflows, all of it ran in w1.
TAG = """
    INSERT INTO execution_tags (execution_id, tag_id)
    SELECT e.id, 't1'
      FROM executions AS e
     WHERE e.status = 'error' AND NOT e.tagged
     ORDER BY e.id
"""


def fill(connection: Connection, rows: int) -> None:
    """Add so many ended executions to a migrated database (autocommit), and say how far it is."""
    began = time.monotonic()
    connection.execute("SET synchronous_commit = off")
    if connection.execute("SELECT 1 FROM workflows WHERE id = 'w1'").fetchone() is None:
        for statement in (OTHER_PROJECT, WORKFLOWS, CURRENT, TAGS):
            connection.execute(statement)
    make_samples(connection)
    for done in range(0, rows, STEP):
        [last] = connection.execute(LAST).fetchone() or ()
        connection.execute(EXECUTIONS, {"rows": min(STEP, rows - done), "last": last, "samples": SAMPLES})
        print(
            f"\r  {min(done + STEP, rows):,} of {rows:,} executions, {time.monotonic() - began:.0f} s",
            end="",
            flush=True,
        )
    if rows:
        print()
    connection.execute(FAILURES)
    while failure_words.index_some(connection):
        pass
    connection.execute(TAG)
    connection.execute("SET synchronous_commit = on")
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")


def make_samples(connection: Connection) -> None:
    """Run data of some executions, encoded as a worker would, to be given to all of them in turn."""
    connection.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS samples (n bigint PRIMARY KEY, encoded bytea, encoding text)"
    )
    if connection.execute("SELECT 1 FROM samples LIMIT 1").fetchone() is None:
        samples = encode_run_data([orjson.dumps(run_data(random.Random(n))) for n in range(SAMPLES)])
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO samples VALUES (%s, %s, %s)", [(n, s.content, s.encoding) for n, s in enumerate(samples)]
            )
        connection.execute("ANALYZE samples")


def run_data(chance: random.Random) -> dict[str, object]:
    """Two nodes that passed on five orders."""
    orders = [
        {"json": {"id": chance.getrandbits(32), "name": f"{chance.getrandbits(64):x}", "total": chance.random()}}
        for _ in range(5)
    ]
    run = {"startTime": 1708338600000, "executionTime": 12, "executionStatus": "success", "source": []}
    runs = {name: [{**run, "data": {"main": [orders]}}] for name in ("Orders", "Edit Fields")}
    return {"resultData": {"runData": runs, "lastNodeExecuted": "Edit Fields"}, "executionData": {}, "startData": {}}
