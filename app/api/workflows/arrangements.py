"""Has workers arrange with providers what the triggers of an active workflow need, and waits for it."""

import time
from uuid import UUID

from app.api.face.errors import Refused
from app.api.face.services import database, reading, services
from app.repository import trigger_hooks
from app.repository.trigger_hooks import NewHook
from app.shares import NoRoom

PATIENCE_SECONDS = 75.0
LOOK_SECONDS = 0.1
NOBODY = "No worker has arranged the webhooks of the workflow's triggers in time: see that one runs, and try again"
TOO_MANY = "Too many workflows wait for the providers of their triggers at the moment"


def create(project_id: str, workflow_id: str, version_id: UUID, hooks: list[NewHook]) -> None:
    """Have the providers call the workflow of this project; returns once they do.

    Raises Refused with what one of them says, and where too many calls wait for that.
    """
    if not hooks:
        return
    try:
        with services().long_calls.arrangements.taken(project_id):
            _create(workflow_id, version_id, hooks)
    except NoRoom:
        raise Refused(503, TOO_MANY, {"Retry-After": "10"}) from None


def _create(workflow_id: str, version_id: UUID, hooks: list[NewHook]) -> None:
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
