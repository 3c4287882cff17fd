"""A plugin of pytest: from its first test on, the clock of this process and of all that it starts shows a moment.

Loaded with `-p tests.dates.plugin` into a process that libfaketime is loaded into; TEST_CLOCK_BEGINS is the moment.
"""

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from app.engine.sandbox import process as sandbox_process
from app.engine.sandbox import walls
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
    with _sandboxes_with_this_clock():
        return (yield)


@contextmanager
def _sandboxes_with_this_clock() -> Iterator[None]:
    """The sandbox hands its processes no variables at all; here they get those of the clock, and no others."""
    start = asyncio.base_events.BaseEventLoop.subprocess_exec

    async def start_with_this_clock(loop: Any, *arguments: Any, **options: Any) -> Any:
        if options.get("env") == {}:
            options["env"] = {name: os.environ[name] for name in clocks.VARIABLES}
        return await start(loop, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.base_events.BaseEventLoop, "subprocess_exec", start_with_this_clock)
        patch.setattr(sandbox_process, "confine", _confine_with_shared_memory)
        yield


def _confine_with_shared_memory(parent: int, limits: walls.Limits) -> None:
    """All walls but one, in a child that has yet to become the sandbox: what libfaketime shares counts as a file."""
    limit = resource.setrlimit
    resource.setrlimit = lambda which, most: None if which == resource.RLIMIT_FSIZE else limit(which, most)
    walls.confine(parent, limits)
