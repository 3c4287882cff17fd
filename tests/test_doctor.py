"""What the doctor sees, and what it advises."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.credentials.keys import Key
from app.credentials.vault import Vault
from app.doctor import Finding, examine
from app.places import build, missing_packages
from app.repository import projects, workers, workflows
from app.settings import Settings


def found(database_url: str, **environ: str) -> list[Finding]:
    """All that is said; EXECUTIONS_HOME is a folder that is there."""
    return list(examine(Settings.from_environment({"EXECUTIONS_HOME": ".", "DATABASE_URL": database_url, **environ})))


def findings(database_url: str, **environ: str) -> dict[str, str | None]:
    """The advice on each subject."""
    return {finding.subject: finding.advice for finding in found(database_url, **environ)}


def test_a_deployment_that_is_well(database_url, connection) -> None:
    workers.register(connection, hostname="h", pid=1, concurrency=5, program=build())
    connection.commit()
    advice = findings(database_url)
    assert advice.pop("durability").startswith("turn fsync on")  # the tests' server does without
    assert advice.pop("autovacuum").startswith("turn it on")
    assert set(advice.values()) == {None}
    assert {
        "PostgreSQL",
        "clock",
        "connections",
        "migrations",
        "workers",
        "queue",
        "run data",
        "table executions",
    } <= advice.keys()


def test_a_pooler_that_leads_to_another_database(database_url) -> None:
    assert findings(database_url, DATABASE_DIRECT_URL=database_url)["pooler"] is None
    name = conninfo_to_dict(database_url)["dbname"]
    other = database_url.replace(f"/{name}", "/postgres", 1)
    assert "let both lead to one" in findings(other, DATABASE_DIRECT_URL=database_url)["pooler"]


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
    connection.execute(
        "INSERT INTO execution_data (execution_id, encoding, encoded) SELECT e.id, 'zstd', '' FROM executions AS e"
    )
    connection.commit()
    assert "restore a backup" in findings(database_url)["run data"]


@pytest.mark.parametrize(("program", "said"), [(None, "is an earlier version"), ("0.0 with", "is 0.0 with")])
def test_a_worker_that_an_upgrade_has_forgotten(database_url, connection, program, said) -> None:
    workers.register(connection, hostname="forgotten", pid=7, concurrency=5, program=program)
    workers.register(connection, hostname="upgraded", pid=1, concurrency=5, program=build())
    connection.commit()
    [other] = [each for each in found(database_url) if each.subject == "program of workers"]
    assert f"process 7 on forgotten {said}" in other.state
    assert "restart its worker" in other.advice


def test_a_host_with_another_encryption_key(database_url, connection) -> None:
    own, other = ({"EXECUTIONS_ENCRYPTION_KEY": key} for key in ("own", "other"))
    [before] = [each for each in found(database_url, **other) if each.subject == "encryption key"]
    assert (before.state, before.advice) == ("not tried: there are no credentials yet", None)
    vault = Vault(Settings.from_environment({"DATABASE_URL": database_url, **own}))
    data = {"user": "a", "password": "b"}
    vault.create(connection, "c1", name="c", type="httpBasicAuth", project_id="default", data=data)
    connection.commit()
    assert findings(database_url, **own)["encryption key"] is None
    assert "EXECUTIONS_ENCRYPTION_KEY" in (findings(database_url, **other)["encryption key"] or "")
    assert findings(database_url, **other, EXECUTIONS_ENCRYPTION_KEY_OLD="own")["encryption key"] is None


def test_keys_that_could_be_guessed(database_url) -> None:
    weak, strong = Key.of("0"), Key.of("0123456789abcdef")
    named = {"EXECUTIONS_ENCRYPTION_KEY": strong.text, "EXECUTIONS_ENCRYPTION_KEY_OLD": weak.text}
    [strength] = [each for each in found(database_url, **named) if "strength" in each.subject]
    assert (weak.id in strength.state, strong.id in strength.state) == (True, False)
    assert "EXECUTIONS_ENCRYPTION_KEY_OLD" in strength.advice
    assert "strength of the encryption key" not in findings(database_url, EXECUTIONS_ENCRYPTION_KEY=strong.text)


def test_webhooks_of_two_projects_that_were_active_before_they_were_kept_apart(database_url, connection) -> None:
    for project in ("alpha", "beta"):
        projects.create_project(connection, project, project)
        workflows.create_workflow(connection, project, project_id=project, name=project, definition=b'{"nodes":[]}')
    add = """INSERT INTO webhooks (workflow_id, node, method, path, webhook_id, pattern, settings)
             VALUES (%s, %s, 'GET', %s, %s, %s, '{}')"""
    connection.execute(add, ["beta", "a", "users/:id", "hook", "users/:"])
    connection.execute(add, ["beta", "b", "orders", None, "orders"])
    connection.execute(add, ["alpha", "a", "orders/1", None, "orders/1"])
    connection.commit()
    assert "webhook" not in findings(database_url)
    connection.execute(add, ["alpha", "b", "hook/users/42", None, "hook/users/42"])
    connection.commit()
    assert "deactivate" in (findings(database_url)["webhook"] or "")


def test_too_few_connections(database_url) -> None:
    advice = findings(database_url, EXECUTIONS_POOL_SIZE="500", EXECUTIONS_HTTP_WORKERS="2")
    assert "max_connections" in advice["connections"]


@pytest.mark.own_database
def test_a_migration_that_is_missing(database_url) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM migration_checksums")
        connection.execute("DELETE FROM _yoyo_migration")
    assert "flask migrate" in findings(database_url)["migrations"]


@pytest.mark.own_database
def test_a_database_that_a_newer_program_has_migrated(database_url) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO migration_checksums (migration, sha256) VALUES ('9999.later', '')")
    assert "replace this program" in findings(database_url)["migrations"]


@pytest.mark.own_database
def test_what_stays_and_does_harm(database_url, monkeypatch) -> None:
    monkeypatch.setattr("app.doctor.server.LONG_TRANSACTION_SECONDS", 0)
    with psycopg.connect(database_url, autocommit=True) as connection, psycopg.connect(database_url) as idle:
        idle.execute("SELECT 1")
        connection.execute("INSERT INTO tags (id, name) VALUES ('a', 'a'), ('b', 'b')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY half_built ON tags ((true))")
        connection.execute("ALTER TABLE tags SET (autovacuum_enabled = false)")
        advice = findings(database_url)
        assert f"pg_terminate_backend({idle.info.backend_pid})" in advice["long transaction"]
        assert advice["index"] == "run REINDEX INDEX CONCURRENTLY half_built"
        assert advice["autovacuum"] == "run ALTER TABLE tags RESET (autovacuum_enabled)"


def test_notices_that_do_not_get_through(database_url, connection) -> None:
    connection.execute(
        "INSERT INTO failure_notices (execution_id, workflow_id, workflow_name, project_id, status, mode, created_at)"
        " VALUES (1, 'w', 'w', 'default', 'error', 'manual', now() - interval '1 hour')"
    )
    connection.commit()
    assert "set EXECUTIONS_FAILURE_WEBHOOK" in findings(database_url)["failure notices"]
    sending = {"EXECUTIONS_FAILURE_WEBHOOK": "http://127.0.0.1:1/", "EXECUTIONS_FAILURE_SECRET": "secret"}
    assert "answers with 2xx" in findings(database_url, **sending)["failure notices"]


def test_a_full_disk_and_a_folder_that_is_not_there(database_url, monkeypatch) -> None:
    monkeypatch.setattr("app.doctor.host.FREE_DISK_BYTES", 2**80)
    advice = findings(database_url, EXECUTIONS_HOME="/nowhere/at/all")
    assert "create the folder" in advice["disk of EXECUTIONS_HOME"]
    assert "set it to a folder" in findings(database_url, EXECUTIONS_HOME=__file__)["disk of EXECUTIONS_HOME"]
    assert "free disk space" in advice["disk of temporary files"]


def test_no_database() -> None:
    assert "DATABASE_URL" in findings("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")["database"]


def test_a_database_that_takes_no_changes(database_url) -> None:
    read_only = psycopg.conninfo.make_conninfo(database_url, options="-c default_transaction_read_only=on")
    assert "primary" in findings(read_only)["writing"]


def half_installed(folder: Path) -> Path:
    """A program whose packages have not all come."""
    for room, there in (("engine/sandbox", "acorn"), ("console", "uplot")):
        (folder / room / "node_modules" / there).mkdir(parents=True)
        (folder / room / "node_modules" / there / "package.json").touch()
        wanted = {"dependencies": {there: "1"} | ({"astring": "1"} if room != "console" else {})}
        (folder / room / "package.json").write_text(json.dumps(wanted))
    return folder


def test_no_node_and_a_home_that_cannot_be_written_to(database_url, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("app.doctor.host.NODE", tmp_path / "node")
    monkeypatch.setattr("app.doctor.host.os.access", lambda *_: False)
    monkeypatch.setattr("app.places.APP", half_installed(tmp_path))
    advice = findings(database_url, EXECUTIONS_HOME=str(tmp_path))
    assert "make install" in advice["Node.js"]
    assert missing_packages() == ["astring"]
    assert "write to it" in advice["disk of EXECUTIONS_HOME"]
