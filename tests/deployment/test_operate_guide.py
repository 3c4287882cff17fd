"""docs/operate.md, its commands word for word: roles, keys, backup and drill; the rest is looked at."""

import re
import shlex
import subprocess
from datetime import UTC, datetime
from urllib.parse import quote

import click
import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from app.commands import main
from app.embedded.binaries import postgres_binaries
from app.repository.triggers import NewSchedule, register, take_due_schedules
from app.repository.workflows import create_workflow
from app.settings import Settings
from tests import guides
from tests.importing.n8n import make_sqlite
from tests.live import PROJECT
from tests.patience import PATIENCE_SECONDS
from tests.postgres import database_at

GUIDE = guides.read_guide("operate.md")
SHELL = guides.blocks(GUIDE, "sh")
KEY = "a key for the drill, which is long enough"


def test_each_command_is_one_with_its_options():
    named = guides.commands(GUIDE)
    assert len(named) > 8
    for command in named:
        words = ["1" if word == "ID" else word for word in guides.arguments(command)]
        group = click.Context(main)
        name, found, rest = main.resolve_command(group, words)
        while isinstance(found, click.Group) and rest:
            _, found, rest = found.resolve_command(click.Context(found), rest)
        assert found is not None, command
        if rest:
            found.make_context(name, rest, resilient_parsing=False)


def test_each_setting_and_each_file_that_is_named_is_there():
    for name in set(re.findall(r"/opt/executions/([\w./@-]+)|`(deploy/[\w./-]+)`", GUIDE)):
        path = (name[0] or name[1]).rstrip("-")
        if not path.startswith(".venv"):
            assert list(PROJECT.glob(f"{path}*")), path
    for unit in re.findall(r"systemctl (?:restart|enable --now) ([^#\n]+)", GUIDE):
        for each in unit.split():
            name = each.replace("@1", "@").replace("@2", "@")
            assert (PROJECT / "deploy/systemd" / (name if "." in name else f"{name}.service")).is_file(), each
    targets = re.findall(r"make -C /opt/executions (\w+)", GUIDE)
    assert {f"{target}:" for target in targets} <= set(re.findall(r"^\w+:", (PROJECT / "Makefile").read_text(), re.M))
    settings = (PROJECT / "docs/settings.md").read_text()
    for name in set(re.findall(r"\bEXECUTIONS_[A-Z_]*[A-Z]\b", GUIDE)):
        assert name in settings, name


def test_a_shell_reads_the_settings_as_systemd_does():
    function = SHELL[0].replace("/etc/executions.env", shlex.quote(str(PROJECT / "deploy/systemd/executions.env")))
    function = function.replace("/opt/executions", shlex.quote(str(PROJECT)))
    function = function.replace("exec runuser -u executions -- .venv/bin/python", 'echo "$DATABASE_URL $HOME"')
    done = subprocess.run(["sh", "-ec", f"{function}\nflask doctor"], capture_output=True, text=True, timeout=9)
    assert done.stdout.endswith("?sslmode=verify-full /var/lib/executions -m flask doctor\n"), done.stderr


@pytest.fixture
def roles(postgres_url):
    """The roles and the database of the guide, made by its own statements; their addresses by name."""
    statements, _ = guides.blocks(GUIDE, "sql")
    cluster, _, within = statements.partition("-- in that database")
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS executions WITH (FORCE)")
        server.execute("DROP DATABASE IF EXISTS executions_drill WITH (FORCE)")
        for role in ("executions", "executions_owner"):
            server.execute(f"DROP ROLE IF EXISTS {role}")
        for statement in filter(str.strip, cluster.split(";")):
            server.execute(statement)
        own = database_at(postgres_url, "executions").replace("postgres@", "executions_owner@")
        with psycopg.connect(own, autocommit=True) as owner:
            owner.execute("-- " + within.lstrip("-"))
        yield own, own.replace("executions_owner@", "executions@"), database_at(postgres_url, "executions_drill")
        for database in ("executions", "executions_drill"):
            server.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        for role in ("executions", "executions_owner"):
            server.execute(f"DROP ROLE {role}")


def flask(*arguments: str, **environ: str) -> Result:
    """The outcome of a command, run in this process, which spares loading the program again."""
    return CliRunner().invoke(main, arguments, env=environ)


@pytest.mark.slow
def test_roles_backup_and_drill(roles, tmp_path, postgres_url):
    owner, lesser, drill = roles
    home = {"EXECUTIONS_HOME": str(tmp_path), "EXECUTIONS_ENCRYPTION_KEY": KEY}
    assert "Applied" in flask("migrate", DATABASE_URL=owner, **home).output
    made = flask("keys", "create", "LABEL", "--scope", "execution:list", DATABASE_URL=lesser, **home)
    assert made.exit_code == 0, made.output
    came = flask("import", "n8n", str(make_sqlite(tmp_path / "n8n")), DATABASE_URL=lesser, **home)
    assert (came.exit_code, "executions: 18 created" in came.output) == (0, True), came.output
    with psycopg.connect(lesser) as connection:
        create_workflow(connection, "w", project_id="default", name="w", definition=b"{}")
        schedule = NewSchedule(node="S", rule_index=0, rule=b"{}", next_at=datetime(2026, 1, 1, tzinfo=UTC))
        register(connection, "w", [], [schedule])
        connection.execute(
            "INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode)"
            " SELECT id, version_id, project_id, 'manual' FROM workflows"
        )
    backup, restore = (next(block for block in SHELL if name in block) for name in ("pg_dump", "createdb"))
    done = shell(backup, owner, tmp_path)
    assert done.returncode == 0, done.stderr
    *commands, doctor = restore.strip().splitlines()
    with psycopg.connect(postgres_url, autocommit=True) as server:  # another machine has no such roles
        server.execute("ALTER ROLE executions RENAME TO executions_elsewhere")
        try:
            done = shell("\n".join(commands), drill, tmp_path)
        finally:
            server.execute("ALTER ROLE executions_elsewhere RENAME TO executions")
    assert done.returncode == 0, done.stderr
    assert doctor.endswith("flask doctor")
    with psycopg.connect(drill) as connection:
        assert len(take_due_schedules(connection, limit=9)) == 1
        for statement in filter(str.strip, guides.blocks(GUIDE, "sql")[1].split(";")):
            connection.execute(statement)
        assert not take_due_schedules(connection, limit=9)
        statuses = connection.execute("SELECT status FROM executions ORDER BY id DESC").fetchall()
        assert statuses[0] == ("canceled",)
        assert not {("new",), ("running",), ("waiting",)} & {*statuses}
    told = flask("doctor", DATABASE_URL=drill, **home).output
    assert "migrations" in told
    assert "BAD migrations" not in told
    with psycopg.connect(drill) as connection:
        assert connection.execute("SELECT label FROM api_keys").fetchall() == [("LABEL",)]


def shell(script: str, url: str, folder) -> subprocess.CompletedProcess[str]:
    """Run lines of the guide with the PostgreSQL programs that are here, towards the test's server."""
    server = conninfo_to_dict(url)
    environ = {"PATH": f"{postgres_binaries()}:/usr/bin:/bin", "DATABASE_URL": url, "HOME": str(folder)}
    environ |= {"PGHOST": str(server["host"]), "PGUSER": str(server["user"])}
    return subprocess.run(
        ["sh", "-ec", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )


def test_the_addresses_of_the_guide_are_settings_that_are_taken():
    (address,) = re.findall(r"`DATABASE_URL=(postgresql://[^`]+)`", GUIDE)
    assert Settings.from_environment({"DATABASE_URL": address.replace("...", quote("a password"))})
    (proxies,) = re.findall(r"`EXECUTIONS_TRUSTED_PROXIES=([^`]+)`", GUIDE)
    (hooks,) = re.findall(r"`EXECUTIONS_WEBHOOK_URL=([^`]+)`", GUIDE)
    environ = {"DATABASE_URL": address, "EXECUTIONS_TRUSTED_PROXIES": proxies, "EXECUTIONS_WEBHOOK_URL": hooks}
    assert Settings.from_environment(environ).webhook_url == hooks
