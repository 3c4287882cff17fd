"""What the doctor sees, and what it advises."""

import psycopg

from app.doctor import examine
from app.repository import workers
from app.settings import Settings


def findings(database_url: str, **environ: str) -> dict[str, str | None]:
    settings = Settings.from_environment({"DATABASE_URL": database_url, **environ})
    return {finding.subject: finding.advice for finding in examine(settings)}


def test_a_deployment_that_is_well(database_url, connection) -> None:
    workers.register(connection, hostname="h", pid=1, concurrency=5)
    connection.commit()
    advice = findings(database_url)
    assert advice.pop("durability").startswith("turn fsync on")  # the tests' server does without
    assert advice.pop("autovacuum").startswith("turn it on")
    assert set(advice.values()) == {None}
    assert {"PostgreSQL", "clock", "connections", "migrations", "workers", "queue", "table executions"} <= advice.keys()


def test_no_worker_and_a_queue_that_stands(database_url, connection) -> None:
    connection.execute("INSERT INTO workflow_versions (workflow_id, name, definition) VALUES ('w', 'w', '{}')")
    connection.execute(
        "INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, created_at)"
        " SELECT 'w', v.id, 'default', 'manual', now() - interval '5 minutes' FROM workflow_versions AS v"
    )
    connection.commit()
    advice = findings(database_url)
    assert "flask worker" in advice["workers"]
    assert "more workers" in advice["queue"]


def test_too_few_connections(database_url) -> None:
    advice = findings(database_url, EXECUTIONS_POOL_SIZE="500", EXECUTIONS_HTTP_WORKERS="2")
    assert "max_connections" in advice["connections"]


def test_a_migration_that_is_missing(database_url) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM migration_checksums")
        connection.execute("DELETE FROM _yoyo_migration")
    assert "make migrate" in findings(database_url)["migrations"]


def test_no_database() -> None:
    assert "DATABASE_URL" in findings("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")["database"]
