"""What operators look at is read by indexes: schedules, webhooks, jobs, workers, the queue and the list of problems.

Each table holds thousands of rows of one project, of states and of past workers that are not asked for.
"""

from dataclasses import asdict

import pytest
from psycopg import sql

from app.repository import (
    bulk_calls,
    deletion_jobs,
    execution_counts,
    overview,
    problems,
    retry_jobs,
    triggers,
    workers,
)
from app.repository import connection as connection_module
from app.repository.problems import ProblemFilter
from tests.postgres import cloned_database
from tests.repository.plans import nodes, plan_of

PAGES = 800  # of 8 KiB: some 200 rows are read with what each refers to
ROWS = 11_000  # 10,000 of the queue are counted
FILL = """
    INSERT INTO projects (id, name) VALUES ('small', 'Small project');
    INSERT INTO workflow_versions (workflow_id, project_id, name, definition)
    SELECT 'w' || n, CASE WHEN n % 1000 = 7 THEN 'small' ELSE 'default' END, 'Workflow', '{"nodes":[]}'
      FROM generate_series(1, 5000) AS n;
    INSERT INTO workflows (id, project_id, version_id)
    SELECT v.workflow_id, v.project_id, v.id FROM workflow_versions AS v;
    INSERT INTO schedules (workflow_id, node, rule, rule_index, next_at)
    SELECT 'w' || n, 'Schedule', '{}', 0, now() + make_interval(secs => n) FROM generate_series(1, 5000) AS n;
    INSERT INTO webhooks (workflow_id, node, method, path, pattern, settings)
    SELECT 'w' || n, 'Webhook', 'GET', 'p' || n, 'p' || n, '{}' FROM generate_series(1, 5000) AS n;
    INSERT INTO retry_jobs (project_id, wanted, load_workflow, above, finished_at)
    SELECT CASE WHEN n % 1000 = 7 THEN 'small' ELSE 'default' END, '{}', false, 1, now()
      FROM generate_series(1, 10000) AS n;
    INSERT INTO retry_job_results (job_id, execution_id, message) SELECT 7, n, 'no' FROM generate_series(1, 5000) AS n;
    INSERT INTO bulk_calls (project_id) SELECT 'default' FROM generate_series(1, 10000) AS n;
    INSERT INTO deletion_jobs (project_id, wanted, above, finished_at)
    SELECT CASE WHEN n % 1000 = 7 THEN 'small' ELSE 'default' END, '{}', 1, now() FROM generate_series(1, 10000) AS n;
    INSERT INTO workers (hostname, pid, concurrency, stopped_at)
    SELECT 'host', n, 5, CASE WHEN n > 100 THEN now() END FROM generate_series(1, 10000) AS n;
    INSERT INTO problems (project_id, workflow_id, node, pattern, message, status, number, first_seen_at,
                          last_seen_at, last_execution_id, newest_version_at)
    SELECT CASE WHEN n % 1000 = 7 THEN 'small' ELSE 'default' END, 'w' || n, '', '', '',
           CASE WHEN n % 1000 = 3 THEN 'open' ELSE 'muted' END, 1, now(), now(), 1, now()
      FROM generate_series(1, 10000) AS n;
    SET session_replication_role = replica;
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, worker_id)
    SELECT v.workflow_id, v.id, CASE WHEN n % 5000 = 7 THEN 'small' ELSE 'default' END,
           CASE WHEN n % 40 = 0 THEN 'running' ELSE 'new' END, 'webhook', CASE WHEN n % 40 = 0 THEN now() END,
           CASE WHEN n % 40 = 0 THEN 1 + n % 100 END
      FROM generate_series(1, 20000) AS n, workflow_versions AS v
     WHERE v.workflow_id = 'w1';
    SET session_replication_role = origin;
    VACUUM (ANALYZE)
"""
SCHEDULES = {**asdict(overview.SchedulePlace()), "limit": 100}
WEBHOOKS = {**asdict(overview.WebhookPlace()), "limit": 100}
JOBS = {"limit": 11, "before": 2**63 - 1}
STATEMENTS = {
    "schedules": (overview.SCHEDULES, {**SCHEDULES, "workflow_ids": None}),
    "schedules of workflows": (overview.SCHEDULES, {**SCHEDULES, "workflow_ids": ["w7", "w8"]}),
    "schedules that are due": (triggers.DUE, {"limit": 20}),
    "next start": (triggers.NEXT_DUE_SECONDS, {}),
    "webhooks": (overview.WEBHOOKS, {**WEBHOOKS, "workflow_ids": None}),
    "webhooks of workflows": (overview.WEBHOOKS, {**WEBHOOKS, "workflow_ids": ["w7", "w8"]}),
    "webhook of a call": (triggers.FIND_WEBHOOKS, {"path": "p77"}),
    "retry jobs": (retry_jobs.LIST, JOBS),
    "retry job": (retry_jobs.GET, {"id": 7}),
    "next retry job": (retry_jobs.NEXT, {}),
    "old retry jobs": (retry_jobs.FORGET, {}),
    "a retry job more": (
        retry_jobs.CREATE,
        {"wanted": "{}", "load_workflow": False, "retry_from": None, "matched": 1, "bulk_call_id": 1, "most": 20},
    ),
    "results of a retry job": (retry_jobs.RESULTS, {"id": 7, "before": 4000, "limit": 100}),
    "old calls of many": (bulk_calls.FORGET, {}),
    "calls of many that are too many": (
        bulk_calls.FORGET_SURPLUS,
        {"most": bulk_calls.MAX_CALLS, "at_once": bulk_calls.FORGOTTEN_AT_ONCE},
    ),
    "deletion jobs": (deletion_jobs.LIST, JOBS),
    "deletion job": (deletion_jobs.GET, {"id": 7}),
    "next deletion job": (deletion_jobs.NEXT, {}),
    "old deletion jobs": (deletion_jobs.FORGET, {}),
    "a deletion job more": (deletion_jobs.CREATE, {"wanted": "{}", "most": 20}),
    "workers": (overview.WORKERS, {"lease_seconds": 30.0, "most": 200}),
    "workers that are alive": (workers.ALIVE, {"lease_seconds": 30.0}),
    "workers of the past": (workers.FORGET, {}),
    "queue": (overview.QUEUE, {"most_queued": overview.MAX_QUEUED, "most": 200}),
    "oldest in the queue": (execution_counts.OLDEST_QUEUED, {}),
    "running": (execution_counts.CONCURRENT, {}),
    "waiting": (execution_counts.WAITING, {}),
    "full queue": (retry_jobs.IS_FULL, {"most": retry_jobs.MAX_QUEUED}),
}


@pytest.fixture(scope="module")
def crowded(postgres_url: str):
    """A connection to a database of thousands of everything that operators list."""
    with cloned_database(postgres_url) as url, connection_module.connect(url, autocommit=True) as connection:
        for statement in FILL.split(";\n"):
            connection.execute(statement)
        yield connection


def assert_read_by_indexes(plan: dict) -> None:
    for node in nodes(plan):
        assert node["Node Type"] != "Seq Scan", plan
        passed = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        assert passed <= ROWS, f"looks at {passed} rows: {plan}"
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= PAGES, plan


@pytest.mark.parametrize("project_id", [None, "default", "small"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_what_operators_look_at_is_read_by_indexes(crowded, name: str, project_id: str | None) -> None:
    statement, parameters = STATEMENTS[name]
    assert_read_by_indexes(plan_of(crowded, statement, {**parameters, "project_id": project_id}))


@pytest.mark.parametrize("project_id", [None, "default", "small"])
@pytest.mark.parametrize(
    "wanted", [{}, {"statuses": ("open",)}, {"statuses": ("handled",)}, {"workflow_ids": ("w7",)}], ids=str
)
def test_problems_are_read_by_indexes(crowded, wanted: dict, project_id: str | None) -> None:
    condition, parameters = ProblemFilter(**wanted, visible_project=project_id).condition(None)
    statement = problems.LIST.format(columns=problems.COLUMNS, problems_condition=condition, limit=sql.Literal(51))
    assert_read_by_indexes(plan_of(crowded, statement, parameters))
