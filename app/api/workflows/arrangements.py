"""Has workers arrange with providers what the triggers of an active workflow need, and waits for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from app.api.face.errors import Refused
from app.api.face.long_calls import place_of
from app.api.face.services import database, reading, services
from app.repository import trigger_hooks
from app.repository.trigger_hooks import NewHook

PATIENCE_SECONDS = 75.0
PLACE_SECONDS = 5.0
"""So long a call waits for a place."""
LOOK_SECONDS = 0.1
NOBODY = "No worker has arranged the webhooks of the workflow's triggers in time: see that one runs, and try again"
TOO_MANY = "Too many workflows wait for the providers of their triggers at the moment"


@contextmanager
def place(project_id: str, hooks: list[NewHook]) -> Iterator[None]:
    """Take a place to wait in for the providers of these triggers: before anything is changed for which they are asked.

    Raises Refused (503) when none comes free. Without triggers that providers call, no place is needed.
    """
    if not hooks:
        yield
        return
    calls = services().long_calls
    with (
        place_of(calls.arrangements_wanted.taken(project_id), TOO_MANY, retry_after=10),
        place_of(calls.arrangements.taken(project_id, PLACE_SECONDS), TOO_MANY, retry_after=10),
    ):
        yield


def create(workflow_id: str, version_id: UUID, hooks: list[NewHook]) -> None:
    """Have the providers call the workflow; returns once they do. Raises Refused with what one of them says."""
    if not hooks:
        return
    with database() as connection:
        ids = trigger_hooks.ask(connection, workflow_id, version_id, "create", hooks)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with reading() as connection:
                ended = trigger_hooks.read_ended(connection, ids)
            failed = next(((node, error) for node, error in ended if error is not None), None)
            if failed is not None:
                raise Refused(400, f"The trigger '{failed[0]}' could not be set up: {failed[1]}")
            if len(ended) == len(ids):
                return
            if time.monotonic() > deadline:
                raise Refused(503, NOBODY, {"Retry-After": "10"})
            time.sleep(LOOK_SECONDS)
    finally:
        with database() as connection:
            trigger_hooks.withdraw(connection, ids)
