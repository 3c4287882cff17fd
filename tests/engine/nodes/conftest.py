"""What tests of nodes call: a server on this machine."""

from collections.abc import Iterator

import pytest

from tests.engine.nodes import far_side


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where it is."""
    with far_side.running() as url:
        yield url
