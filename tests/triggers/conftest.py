"""The worker tests' queue, for workflows that start by themselves."""

from tests.worker.conftest import queue

__all__ = ["queue"]
