"""How many workflows a process evaluates the expressions of at the same time, and what these see of variables."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.api.face.errors import Refused
from app.api.face.services import reading
from app.repository import variables

AT_ONCE = 4
"""How many workflows a process evaluates at the same time: each has a process of Node's while it does."""
PATIENCE_SECONDS = 10.0
_evaluating = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def evaluating(too_many: str) -> Iterator[None]:
    """Take a place, outside of any transaction. Raises Refused (503) with this sentence when none comes free."""
    if not _evaluating.acquire(timeout=PATIENCE_SECONDS):
        raise Refused(503, too_many, {"Retry-After": "2"})
    try:
        yield
    finally:
        _evaluating.release()


def read_variables(project_id: str) -> dict[str, str]:
    """What expressions of this project see of the variables."""
    with reading() as connection:
        return variables.read_values(connection, project_id)
