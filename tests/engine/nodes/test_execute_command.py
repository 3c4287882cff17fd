"""Execute Command: off unless allowed, bounded, without the worker's environment, and gone with its run."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from app.engine.nodes import execute_command
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome, RunRequest, run_workflow
from tests.engine.running import output_of
from tests.patience import wait_until
from tests.process_state import is_running
from tests.workflows import START, chain, code, node

TWO = code("return [{json: {n: 1}}, {json: {n: 2}}]", "Two")


def run(
    engine, command: str, *, ports: Ports | None = None, on_error: str = "stopWorkflow", **parameters: Any
) -> RunOutcome:
    shell = node("Shell", "executeCommand", {"command": command, **parameters}, onError=on_error)
    return engine.run(chain(START, TWO, shell), ports=ports or Ports(commands=True))


def test_it_is_off_unless_allowed(engine) -> None:
    outcome = run(engine, "echo hi", ports=Ports())
    assert outcome.status == "error"
    assert "EXECUTIONS_EXECUTE_COMMAND=on" in outcome.data["resultData"]["error"]["description"]


def test_what_it_writes_once_or_for_each_item(engine, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    assert output_of(run(engine, "echo out; echo err >&2; env | grep -c -v ^PATH= "), "Shell")[0]["stderr"] == "err"
    assert "s3cret" not in str(output_of(run(engine, "env"), "Shell"))
    each = run(engine, "=pwd; echo {{ $json.n }}", executeOnce=False, ports=Ports(commands=True, files=tmp_path))
    assert output_of(each, "Shell") == [{"exitCode": 0, "stderr": "", "stdout": f"{tmp_path}\n{n}"} for n in (1, 2)]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo bad >&2; exit 3", "Command failed: echo bad >&2; exit 3\nbad\n"),
        ("head -c 3000000 /dev/zero", "Command failed: it writes more than 1,048,576 bytes to stdout"),
        ("sleep 60", "Command failed: it takes longer than 0.2 seconds"),
    ],
)
def test_how_it_fails(engine, monkeypatch, command: str, message: str) -> None:
    monkeypatch.setattr(execute_command, "SECONDS", 0.2 if "sleep" in command else 60)
    monkeypatch.setattr(execute_command, "LEAVE_SECONDS", 300)  # nobody waits for what has been killed
    assert run(engine, command).error.message == message
    assert output_of(run(engine, command, on_error="continueRegularOutput"), "Shell") == [{"error": message}]


def test_it_ends_with_its_run_and_all_that_it_has_started(engine, tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait"
    document = chain(START, node("Shell", "executeCommand", {"command": script}))

    async def cut_short() -> RunOutcome:
        request = RunRequest("1", "manual", document, ports=Ports(commands=True))
        task = asyncio.ensure_future(run_workflow(request, engine.sandbox, engine.types))
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.01)
        task.cancel()
        return await task

    assert engine.wait_for(cut_short()).status == "canceled"
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_running(child))
