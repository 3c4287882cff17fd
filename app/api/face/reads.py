"""Which database answers a read: the replica, unless it might show a caller less than the caller has written.

Every write notes in the primary when its key last wrote. A read asks the primary for that and for its position in
the log. Whoever wrote lately gets the replica only if it has come up to that very position; everybody else if it has
come to where the primary was DATABASE_REPLICA_LAG_SECONDS ago. The replica is asked on the connection that then
reads.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Response, g, request

from app.api.face.auth import caller
from app.api.face.replica import Replica
from app.api.face.services import reading as reading_primary
from app.api.face.services import reading_later as reading_primary_later
from app.api.face.services import services
from app.http_rules import SAFE_METHODS
from app.repository.connection import UNREACHABLE, Connection
from app.repository.errors import NotFound
from app.repository.execution_data import Opener
from app.repository.replication import has_replayed, note_write

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection that only reads, of the replica or of the primary. Only within a view `from_primary_after_all`."""
    replica = services().replica
    if replica is None:
        with reading_primary() as connection:
            yield connection
        return
    if not (g.get("primary_only") or replica.is_resting):
        required, up_to_now = replica.required_position(caller())
        try:
            with replica.reading() as connection:
                if has_replayed(connection, required):
                    g.from_replica = True
                    yield connection
                    replica.note_answer()
                    services().metrics.observe_read("replica")
                    return
                if not up_to_now:
                    replica.note_lag()
        except UNREACHABLE as error:
            g.from_replica = True
            replica.note_failure(error)
            raise
    with reading_primary() as connection:
        yield connection
    services().metrics.observe_read("primary")


def reading_later() -> Opener:
    """Opens connections to where the present request has read, while its answer is sent."""
    replica, primary = services().replica, reading_primary_later()
    read_there = g.get("from_replica") and not g.get("primary_only")
    return primary if replica is None or not read_there else Later(replica, primary)


class Later:
    """Connections to the replica, and to the primary once the replica has failed."""

    def __init__(self, replica: Replica, primary: Opener) -> None:
        self._replica = replica
        self._primary = primary
        self._lost = False

    @contextmanager
    def __call__(self) -> Iterator[Connection]:
        """For one statement or a few."""
        if self._lost:
            with self._primary() as connection:
                yield connection
            return
        try:
            with self._replica.reading() as connection:
                yield connection
        except UNREACHABLE as error:
            self._lost = True
            self._replica.note_failure(error)
            raise


def from_primary_after_all(view: Callable[P, R]) -> Callable[P, R]:
    """Let a view answer from the primary after all when it lost the replica, or found there what is not there yet."""

    @wraps(view)
    def read(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return view(*args, **kwargs)
        except (*UNREACHABLE, NotFound):
            if not g.get("from_replica"):
                raise
        g.primary_only = True
        return view(*args, **kwargs)

    return read


def note_the_write() -> None:
    """Note that the caller changes something, if the request does: before it does, and once more after it has."""
    replica = services().replica
    if replica is None:
        return
    api_key = g.get("api_key")
    if api_key is not None and request.method not in SAFE_METHODS:
        replica.note_write(api_key.id, _note)


def note_write_again(response: Response) -> Response:
    """Note it again before the answer is sent, should it have taken long. What is done is done if that fails."""
    try:
        note_the_write()
    except UNREACHABLE as error:
        log.warning("a write was not noted", extra={"reason": str(error).strip(), "request_id": g.get("request_id")})
    return response


def _note(api_key_id: int) -> None:
    with reading_primary() as connection:
        note_write(connection, api_key_id)


def register(app: Flask) -> None:
    """Let every write of this app be noted; must come after what finds out who calls."""
    app.before_request(note_the_write)
    app.after_request(note_write_again)
