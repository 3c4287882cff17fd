"""One engine with the sample package for all tests of a process, and one server that its nodes may reach."""

from collections.abc import Iterator

import pytest

from tests.engine.nodes import far_side
from tests.packages.running import PackageEngine


@pytest.fixture(scope="session")
def far() -> Iterator[str]:
    with far_side.running() as address:
        yield address


@pytest.fixture(scope="session")
def packages(far: str) -> Iterator[PackageEngine]:
    engine = PackageEngine(far.removeprefix("http://"))
    yield engine
    engine.close()
