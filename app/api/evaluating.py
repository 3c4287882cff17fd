"""How many workflows a process evaluates the expressions of at the same time, and what these see of variables."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.api.face.errors import Refused
from app.api.face.services import reading
from app.repository import variables
from app.shares import NoRoom, Shares

AT_ONCE = 4
"""How many workflows a process evaluates at the same time: each has a process of Node's while it does."""
AT_ONCE_EACH = 2
"""So many of them of one project."""
ASKING = 12
"""How many may evaluate or wait for it: each holds a thread, and other calls need some, too."""
ASKING_EACH = 6
PATIENCE_SECONDS = 10.0
_asking = Shares(ASKING, ASKING_EACH)
_evaluating = Shares(AT_ONCE, AT_ONCE_EACH)


@contextmanager
def evaluating(too_many: str, project_id: str) -> Iterator[None]:
    """Take a place, outside of any transaction. Raises Refused (503) with this sentence when none comes free."""
    with ExitStack() as places:
        try:
            places.enter_context(_asking.taken(project_id))
            places.enter_context(_evaluating.taken(project_id, PATIENCE_SECONDS))
        except NoRoom:
            raise Refused(503, too_many, {"Retry-After": "2"}) from None
        yield


def read_variables(project_id: str) -> dict[str, str]:
    """What expressions of this project see of the variables."""
    with reading() as connection:
        return variables.read_values(connection, project_id)
