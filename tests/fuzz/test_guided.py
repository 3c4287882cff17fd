"""A moment of Atheris for each way in that reads what clients send."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = max(1, int(os.environ.get("FUZZ", "60")) // 60)
TARGETS = ("cursor", "query", "workflow")

pytest.importorskip("atheris", reason="there is no Atheris for this system")


def test_nothing_but_what_is_known_for_it_comes_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.guided",
            *TARGETS,
            f"-max_total_time={SECONDS}",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE_SECONDS + len(TARGETS) * SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    assert done.stderr.upper().count("DONE") >= len(TARGETS), done.stderr[-2_000:]
