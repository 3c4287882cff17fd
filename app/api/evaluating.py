"""What a call needs that evaluates expressions of a workflow: a place among few, and the variables that they see."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.api.face.long_calls import place_of
from app.api.face.services import reading, services
from app.repository import variables

PATIENCE_SECONDS = 10.0
"""So long a call waits for a place."""


@contextmanager
def evaluating(too_many: str, project_id: str) -> Iterator[None]:
    """Take a place, outside of any transaction. Raises Refused (503) with this sentence when none comes free."""
    calls = services().long_calls
    with (
        place_of(calls.evaluations_wanted.taken(project_id), too_many, retry_after=2),
        place_of(calls.evaluations.taken(project_id, PATIENCE_SECONDS), too_many, retry_after=2),
    ):
        yield


def read_variables(project_id: str) -> dict[str, str]:
    """What expressions of this project see of the variables."""
    with reading() as connection:
        return variables.read_values(connection, project_id)
