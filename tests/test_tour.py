"""The tour of the README, typed word for word: every call answers with what was asked for, and none with an error."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.demo import ApiClient, import_demo
from app.repository.api_keys import ensure_api_key
from tests.live import KEY, PROJECT
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow
CALL = re.compile(r"^(?:\w+=\$\()?(?:call|curl) ", re.MULTILINE)


def tour() -> str:
    text = (PROJECT / "README.md").read_text().split("\n## A tour\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


@pytest.fixture
def transcript(start_server, start_worker, connection, tmp_path) -> list[object]:
    """What each call of the tour printed, on a server that has what `make run` leaves."""
    server = start_server()
    start_worker()
    ensure_api_key(connection, KEY, label="tour", scopes=["*"])
    connection.commit()
    import_demo(ApiClient(f"{server.url}/api/v1", KEY), lambda said: None)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "api-key").write_text(KEY + "\n")
    typed = tour().replace("http://127.0.0.1:8000", server.url)
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


def test_every_call_of_the_tour_does_what_it_says(transcript):
    assert len(transcript) == len(CALL.findall(tour()))
    said = [answer for answer in transcript if isinstance(answer, dict)]
    assert [answer for answer in said if "message" in answer] == []
    lists = [answer["data"] for answer in said if {"data", "nextCursor"} <= answer.keys()]
    assert len(lists) >= 7
    assert all(lists)
    assert {"text": "Hello Ada"} in said
    assert [answer["mode"] for answer in said if answer.get("retryOf")] == ["retry"]
    assert "canceled" in [answer.get("status") for answer in said]
