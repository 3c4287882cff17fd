"""A queue that tests fill and watch."""

import pytest

from tests.worker.conftest import Queue


@pytest.fixture
def queue(connect) -> Queue:
    return Queue(connect(autocommit=True))
