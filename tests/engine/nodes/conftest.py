"""What tests of nodes call: servers on this machine."""

from collections.abc import Iterator

import pytest

from tests.engine.nodes import far_side
from tests.engine.nodes.postbox import postbox  # noqa: F401
from tests.engine.nodes.shop import shop  # noqa: F401


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where it is."""
    with far_side.running() as url:
        yield url
