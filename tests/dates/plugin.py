"""A plugin of pytest: from its first test on, the clock of this process and of all that it starts shows a moment.

Loaded with `-p tests.dates.plugin` into a process that libfaketime is loaded into; TEST_CLOCK_BEGINS is the moment.
"""

import os
import resource
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.engine.sandbox import process as sandbox_process
from app.engine.sandbox import walls
from tests import clocks

BEGINS = "TEST_CLOCK_BEGINS"
ENV = shutil.which("env") or "/usr/bin/env"


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """Until now tests were looked for, which takes as long as it takes; PostgreSQL and sandboxes start after this."""
    begins = datetime.fromisoformat(os.environ[BEGINS])
    shift = (begins - datetime.now(UTC)).total_seconds()
    os.environ |= clocks.shifted(shift)
    if abs((datetime.now(UTC) - begins).total_seconds()) > 60:
        raise pytest.UsageError("libfaketime does not shift the clock of this process")
    with _sandboxes_with_this_clock():
        return (yield)


@contextmanager
def _sandboxes_with_this_clock() -> Iterator[None]:
    """The sandbox hands its processes no variables at all; here they get those of the clock, and no others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox_process, "behind_walls", _with_this_clock)
        yield


def _with_this_clock(command: Sequence[str], limits: walls.Limits) -> list[str]:
    """All walls but one: what libfaketime shares counts as a file, and belongs to who the program runs as."""
    variables = [f"{name}={os.environ[name]}" for name in clocks.VARIABLES]
    limits = replace(limits, largest_file=resource.RLIM_INFINITY)
    return walls.behind_walls([ENV, *variables, *command], limits)
