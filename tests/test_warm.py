"""A process that is forked with the program loaded ends as one that began from nothing does."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.warm import COLD_STARTS, ENVIRON, PROJECT, Warm, may_be_warm


@pytest.mark.parametrize(
    ("end", "expected"),
    [("through", 0), ("error", 1), ("code", 3), ("nothing", 0), ("words", 1), ("interrupted", -2)],
)
def test_it_ends_as_any_other(end: str, expected: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.warm.ends", end]
    seen = []
    for warm in (True, False):
        with (tmp_path / f"{warm}").open("w+") as told, (tmp_path / f"{warm} errors").open("w+") as complained:
            if warm:
                process = Warm(command, told, complained, ENVIRON, PROJECT)
            else:
                process = subprocess.Popen(command, stdout=told, stderr=complained, env=ENVIRON, cwd=PROJECT)
            code = process.wait(PATIENCE_SECONDS)
            told.seek(0)
            complained.seek(0)
            seen.append((code, sorted(told.read().split()), complained.read().splitlines()[-1:]))
    assert seen[0] == seen[1]
    assert seen[0][:2] == (expected, ["first", "last", "thread"])


def test_one_that_has_just_ended_takes_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "tests.warm.ends", "code"]
    with (tmp_path / "told").open("w") as told:
        process = Warm(command, told, told, ENVIRON, PROJECT)
    assert process.wait(PATIENCE_SECONDS) == 3
    monkeypatch.setattr(process, "poll", lambda: None)  # as if the nursery had not told of it yet
    process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("N8N_ENCRYPTION_KEY", True), ("npm_config_cache", True), ("LD_PRELOAD", False), ("TZ", False)],
)
def test_what_may_count_before_anything_is_loaded_is_no_matter_of_a_fork(name: str, expected: bool) -> None:
    assert may_be_warm([sys.executable, "-m", "flask"], ENVIRON | {name: "another"}) is expected


def test_what_is_measured_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COLD_STARTS, "1")
    assert not may_be_warm([sys.executable, "-m", "flask"], ENVIRON)
