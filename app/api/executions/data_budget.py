"""Room in memory for run data that is read whole, counted with the bodies that are read at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.api.face.errors import Refused
from app.api.face.services import services


def largest() -> int:
    """Bytes of run data that are read whole, so that there is room for them beside the bodies of others."""
    return services().settings.bodies_bytes // 2


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Count run data of at most `largest` bytes with the bodies. Raises Refused (503) while there is no room."""
    budget = services().bodies
    if not budget.take(size):
        raise Refused(503, "Too much is being read at the moment", {"Retry-After": "1"})
    try:
        yield
    finally:
        budget.give_back(size)
