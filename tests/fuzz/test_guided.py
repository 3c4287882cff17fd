"""A moment of Atheris for each way in that reads what clients send."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 1

pytest.importorskip("atheris", reason="there is no Atheris for this system")


@pytest.mark.parametrize("target", ["cursor", "query", "workflow"])
def test_nothing_but_what_is_known_for_it_comes_out(target: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.guided", target, f"-max_total_time={SECONDS}"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    assert "DONE" in done.stderr or "Done" in done.stderr, done.stderr[-2_000:]
