"""The tours of README.md and docs/api.md, typed word for word: every call answers with what was asked for."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.demo import ApiClient, import_demo
from app.repository.api_keys import ensure_api_key
from tests.guides import blocks, read_guide
from tests.live import KEY, PROJECT
from tests.patience import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.slow
CALL = re.compile(r"^(?:\w+=\$\()?(?:call|curl) ", re.MULTILINE)


def tour() -> str:
    text = (PROJECT / "README.md").read_text().split("\n## A tour\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def consoles_calls() -> str:
    """What docs/api.md adds: after the lines that begin the tour."""
    helpers = [line for line in tour().splitlines() if line.startswith(("KEY=", "API=", "call()", "field()"))]
    return "\n".join([*helpers, *blocks(read_guide("api.md"), "sh")])


@pytest.fixture
def take(start_server, start_worker, connection, tmp_path) -> Callable[[str], list[object]]:
    """Types what it is given, on a server that has what `make run` leaves; returns what each call printed."""
    server = start_server()
    start_worker()
    ensure_api_key(connection, KEY, label="tour", scopes=["*"])
    connection.commit()
    client = ApiClient(f"{server.url}/api/v1", KEY)
    import_demo(client, lambda said: None)
    wait_until(lambda: client.get("/problems")["data"])  # which is seconds late
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "api-key").write_text(KEY + "\n")
    return partial(take_tour, server.url, tmp_path)


def take_tour(url: str, tmp_path: Path, lines: str) -> list[object]:
    typed = lines.replace("http://127.0.0.1:8000", url)
    # curl, as it is, and beside what it prints a record of it.
    recorded = 'curl() { command curl -sS "$@" | tee -a transcript; echo >> transcript; }\n'
    # What finds Python may take longer than it does: this is the Python itself.
    path = f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", recorded + typed],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    printed = (tmp_path / "transcript").read_text()
    assert (ran.returncode, ran.stderr) == (0, ""), printed[-500:]
    return [json.loads(line) for line in printed.splitlines() if line]


def test_every_call_of_the_consoles_does_what_it_says(take):
    said = take(consoles_calls())
    assert len(said) >= len(CALL.findall(consoles_calls())) >= 25
    assert [answer for answer in said if "message" in answer and "id" not in answer] == []  # a problem has both
    assert [len(answer["items"]) for answer in said if answer.get("input")] == [1]
    assert [answer["mode"] for answer in said if answer.get("retryOf")] == ["retry"] * 2
    assert {"customer": "Ada"} in [each.get("inputPreview") for answer in said for each in answer.get("data", ())]


def test_every_call_of_the_tour_does_what_it_says(take):
    transcript = take(tour())
    assert len(transcript) == len(CALL.findall(tour()))
    said = [answer for answer in transcript if isinstance(answer, dict)]
    assert [answer for answer in said if "message" in answer] == []
    lists = [answer["data"] for answer in said if {"data", "nextCursor"} <= answer.keys()]
    assert len(lists) >= 7
    assert all(lists)
    assert {"text": "Hello Ada"} in said
    assert [answer["mode"] for answer in said if answer.get("retryOf")] == ["retry"]
    assert "canceled" in [answer.get("status") for answer in said]
