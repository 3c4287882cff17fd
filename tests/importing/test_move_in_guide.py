"""docs/move-in.md, its commands word for word and in their order, from an n8n on SQLite and on PostgreSQL."""

import json
import os
import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.importing.n8n.flatted import unflatten
from tests import guides, live
from tests.importing import n8n
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database
from tests.warm import Warm

pytestmark = pytest.mark.slow

COMMANDS = [
    command for command in guides.commands(guides.read_guide("move-in.md")) if command.startswith("import n8n SOURCE")
]
WITHOUT_DATA = {13}
"""Its file is inlined, so its data is not as it was there."""


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request, tmp_path, postgres_url):
    """What the guide calls SOURCE, and the environment that it asks for."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield str(n8n.make_sqlite(tmp_path / "n8n")), {}
            return
        url = stack.enter_context(cloned_database(postgres_url, "template1"))
        n8n.fill_postgresql(url)
        n8n.make_storage(tmp_path / "storage")
        yield url, {"N8N_ENCRYPTION_KEY": n8n.KEY, "N8N_STORAGE_PATH": tmp_path / "storage"}


def test_the_guide_ends_with_what_n8n_had(source, flask, start_server, database_url, connection, tmp_path):
    name, environ = source
    report = tmp_path / "report.json"
    assert [re.findall(r"--(\w[\w-]*)", command)[-1] for command in COMMANDS] == [
        "report", "rehearse", "remove-demo", "follow", "activate",
    ]  # fmt: skip
    for command in COMMANDS:
        arguments = command.replace("report.json", str(report)).split()
        arguments[arguments.index("SOURCE")] = name
        if "--follow" in arguments:
            follow(arguments, live.environment(database_url, tmp_path, **environ), tmp_path / "complaints")
            continue
        done = flask(*arguments, **environ)
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
        assert n8n.KEY not in done.stdout + done.stderr
    assert "Nothing answers" not in done.stdout
    assert len(json.loads(report.read_text())["workflows"]) == 11

    server = start_server()
    workflows = server.get("/api/v1/workflows?limit=250").body["data"]
    there = {row["id"]: row for row in n8n.rows("workflow_entity")}
    assert {each["id"]: (each["name"], each["active"]) for each in workflows} == {
        number: (row["name"], bool(row["active"])) for number, row in there.items()
    }
    orders = next(each for each in workflows if each["name"] == "Move: orders")
    assert orders["parentFolder"] == {"name": "Billing / EU"}
    assert [each["parentFolder"] for each in workflows if each is not orders] == [None] * 10
    executions = server.get("/api/v1/executions?limit=250&includeData=true").body["data"]
    rows = {row["id"]: row for row in n8n.rows("execution_entity")}
    assert {int(each["id"]): each["status"] for each in executions} == {id: row["status"] for id, row in rows.items()}
    for each in executions:
        if int(each["id"]) not in WITHOUT_DATA:
            assert each["data"] == unflatten(n8n.flatted_data(int(each["id"])), most_size=10**6)
    assert server.post("/webhook/move-orders", {"prices": [1]}).status == 403
    scheduled = connection.execute("SELECT DISTINCT workflow_id FROM schedules").fetchall()
    assert {there[row[0]]["name"] for row in scheduled} == {"Move: nightly", "Move: Tokyo"}


def follow(arguments: list[str], environ: dict[str, str], errors: Path) -> None:
    """Run until the second pass begins, then Ctrl-C."""
    command = [sys.executable, "-m", "flask", *arguments, "--every", "1"]
    reading, writing = os.pipe()
    with open(reading) as output, errors.open("w+") as complaints:
        with open(writing) as told:
            process = Warm(command, told, complaints, environ, live.PROJECT)
        for line in output:
            if line.startswith("Imported from"):
                break
        process.send_signal(signal.SIGINT)
        out, code = output.read(), process.wait(PATIENCE_SECONDS)
    err = errors.read_text()
    assert (code, "Traceback" in err) == (0, False), err
    assert "Stopped." in err
    assert "Next:" in out


def test_a_report_that_cannot_be_written_is_told_first(flask, sqlite_file, target, tmp_path: Path):
    done = flask("import", "n8n", str(sqlite_file), "--report", str(tmp_path / "no" / "report.json"))
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)
    assert target.execute("SELECT count(*) FROM workflows").fetchone() == (0,)
