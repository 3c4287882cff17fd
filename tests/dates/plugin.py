"""A plugin of pytest: from its first test on, the clock of this process and of all that it starts shows a moment.

Loaded with `-p tests.dates.plugin` into a process that libfaketime is loaded into; TEST_CLOCK_BEGINS is the moment.
"""

import os
import shlex
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.engine.sandbox import process as sandbox_process
from tests import clocks

BEGINS = "TEST_CLOCK_BEGINS"


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """Until now tests were looked for, which takes as long as it takes; PostgreSQL and sandboxes start after this."""
    begins = datetime.fromisoformat(os.environ[BEGINS])
    shift = (begins - datetime.now(UTC)).total_seconds()
    os.environ |= clocks.shifted(shift)
    if abs((datetime.now(UTC) - begins).total_seconds()) > 60:
        raise pytest.UsageError("libfaketime does not shift the clock of this process")
    with tempfile.TemporaryDirectory() as folder:
        sandbox_process.NODE = _node_with_this_clock(Path(folder))
        return (yield)


def _node_with_this_clock(folder: Path) -> Path:
    """A command that starts the sandbox's Node under the same clock: the sandbox hands its process no variables."""
    variables = (f"{name}={shlex.quote(os.environ[name])}" for name in clocks.VARIABLES)
    command = folder / "node"
    command.write_text(f'#!/bin/sh\nexec env {" ".join(variables)} {shlex.quote(str(sandbox_process.NODE))} "$@"\n')
    command.chmod(0o755)
    return command
