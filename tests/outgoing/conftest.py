"""The server that tests of outgoing HTTP ask."""

from collections.abc import Iterator

import pytest

from tests.engine.nodes import far_side


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with far_side.running() as url:
        yield url
