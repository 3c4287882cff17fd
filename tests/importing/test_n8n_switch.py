"""The switch: until it is asked for nothing runs here; then every address and every link is answered here."""

import json
import os
import signal
import sqlite3
import sys

import pytest

from tests import live
from tests.importing import n8n
from tests.patience import wait_until
from tests.warm import WarmChild

APPROVAL, LATER = (n8n.WORKFLOWS[f"Move: {name}"] for name in ("approval", "later"))


@pytest.fixture
def token():
    """The execution that waits for a call, and what its resume link is signed with in somebody's mailbox."""
    (number,) = [number for number, row in n8n.WAITING.items() if row["workflowId"] == APPROVAL]
    entries = json.loads(n8n.flatted_data(number))
    return number, entries[int(entries[0]["resumeToken"])]


def test_a_move_from_the_first_look_to_the_switch(flask, start_server, start_worker, sqlite_file, token):
    number, signature = token
    arguments = ("import", "n8n", str(sqlite_file), "--timezone", "Europe/Berlin")
    looked = flask(*arguments, "--dry-run")
    assert "Would import from" in looked.stdout, looked.stderr
    assert "Next:" in looked.stdout
    brought = flask(*arguments, "--report", str(sqlite_file.parent / "report.json"))
    assert "executions: 18 created" in brought.stdout, brought.stderr
    assert "--activate" in brought.stdout
    server = start_server()
    start_worker()
    link = f"/webhook-waiting/{number}?signature={signature}"

    # Before the switch n8n answers, and this program does not.
    assert server.post("/webhook/move-orders", {}, X_Secret="s3cret").status == 404
    assert server.post(link, {"answer": "early"}).status == 409
    assert server.get(f"/api/v1/executions/{number}").body["status"] == "waiting"

    connection = sqlite3.connect(sqlite_file)
    with connection:  # as its users deactivate it all
        connection.execute(
            'UPDATE workflow_entity SET active = 0, "activeVersionId" = NULL WHERE name <> ?', ["Move: orders"]
        )
    connection.close()
    switched = flask(*arguments, "--activate")
    assert "activated" in switched.stdout, switched.stderr
    assert "Nothing answers" not in switched.stdout
    assert server.post("/webhook/move-orders", {"prices": [1, 2]}).status == 403
    answer = server.post("/webhook/move-orders", {"customer": "c9", "prices": [1, 2]}, X_Secret="s3cret")
    assert answer.body["total"] == 3
    own = server.get("/api/v1/executions?metadata.key=customer&limit=1").body["data"][0]["id"]
    assert int(own) > max(n8n.EXECUTIONS)
    assert server.post("/webhook/move-new-hook/move-new/a", {"ids": [1, 9]}).body == {"body.ids": 9}

    # The link in the mailbox goes on working, the wait for a time goes on.
    assert server.post(link.replace(signature, "0" * 64), {}).status == 401
    assert server.post(link, {"answer": "yes"}).status == 200
    ended = wait_until(lambda: finished(server, number))
    assert ended["data"]["resultData"]["runData"]["Done"][0]["data"]["main"][0][0]["json"] == {"answer": "yes"}
    (later,) = [id for id, row in n8n.WAITING.items() if row["workflowId"] == LATER]
    assert server.get(f"/api/v1/executions/{later}").body["waitTill"].startswith("2126-12-28")

    # A failed one of n8n's is retried here.
    (failed, *_) = [row["id"] for row in n8n.rows("execution_entity") if row["status"] == "error"]
    retry = server.post(f"/api/v1/executions/{failed}/retry", {}).body
    assert wait_until(lambda: finished(server, retry["id"]))["status"] == "error"


def finished(server, number):
    execution = server.get(f"/api/v1/executions/{number}?includeData=true").body
    return execution if execution["status"] in ("success", "error") else None


def test_what_cannot_be_active_is_told(flask, sqlite_file):
    connection = sqlite3.connect(sqlite_file)
    with connection:
        connection.execute("UPDATE workflow_entity SET active = 1 WHERE name = 'Move: telegram'")
        connection.execute(
            "INSERT INTO webhook_entity (webhookPath, method, node, workflowId) VALUES ('gone', 'GET', 'Form', 'x')"
        )
    connection.close()
    told = flask("import", "n8n", str(sqlite_file), "--no-executions", "--activate").stdout
    assert "cannot be active here" in told
    assert "Nothing answers GET gone" in told


def test_one_that_is_killed_while_it_activates_leaves_no_key_and_no_lock(
    flask, connection, database_url, sqlite_file, tmp_path
):
    arguments = ("import", "n8n", str(sqlite_file), "--activate")
    connection.execute("LOCK TABLE webhooks")  # there the first activation stops
    environ = live.environment(database_url, tmp_path)
    killed = WarmChild("import", [sys.executable, "-m", "flask", *arguments], tmp_path / "log", environ=environ)
    blocked = "SELECT count(*) FROM pg_locks WHERE relation = 'webhooks'::regclass AND NOT granted"
    try:
        wait_until(lambda: killed.check() or connection.execute(blocked).fetchone() == (1,))
        assert "Another import into this database is under way" in flask(*arguments).stderr
    finally:
        os.kill(killed.pid, signal.SIGKILL)
    connection.rollback()
    assert "activated" in flask(*arguments).stdout
    assert connection.execute("SELECT count(*) FROM api_keys").fetchone() == (0,)
    assert connection.execute("SELECT count(*) > 1 FROM workflows WHERE active").fetchone() == (True,)


@pytest.mark.parametrize("source", ["nothing.sqlite", "postgresql://nobody@127.0.0.1:1/none", "http://127.0.0.1:1"])
def test_a_source_that_cannot_be_read_is_a_sentence(flask, source):
    result = flask("import", "n8n", source, N8N_API_KEY="x")
    assert (result.returncode, "Traceback" in result.stderr) == (1, False), result.stderr
    assert result.stderr.startswith("Error: ")


def test_the_demo_makes_room(flask, sqlite_file, connection):
    flask("import", "app/demo/1-sort-orders.json")
    connection.execute(
        "INSERT INTO executions (workflow_id, workflow_version_id, project_id, mode, status, stopped_at)"
        " SELECT id, version_id, project_id, 'manual', 'success', now() FROM workflows"
    )
    connection.commit()
    refused = flask("import", "n8n", str(sqlite_file))
    assert (refused.returncode, "--remove-demo" in refused.stderr) == (1, True)
    assert "executions: 18 created" in flask("import", "n8n", str(sqlite_file), "--remove-demo").stdout
