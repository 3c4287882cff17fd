"""One engine for all tests of a process: starting the sandbox costs more than most tests."""

from collections.abc import Iterator

import pytest

from tests.engine.running import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    running = Engine()
    yield running
    running.close()
