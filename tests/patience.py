"""Waiting for what others do: for the event itself, never for a time in which it ought to have come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 90.0
"""A last net under what would otherwise wait for ever. It says nothing of how fast anything is."""

SELDOM_SECONDS = 0.06


def wait_until(
    look: Callable[[], T], otherwise: str | Callable[[], object] = "it has not come", *, pause: float = 0.02
) -> T:
    """What `look` gives, as soon as that is true. Looks at least once more when all patience has been lost.

    Each look takes time of the processor from what it waits for: after half a second there are fewer.
    """
    began = time.monotonic()
    deadline = began + PATIENCE_SECONDS
    while True:
        late = time.monotonic() > deadline
        if found := look():
            return found
        assert not late, otherwise() if callable(otherwise) else otherwise
        time.sleep(pause if time.monotonic() < began + 0.5 else max(pause, SELDOM_SECONDS))
