"""Has workers arrange with providers what the triggers of an active workflow need, and waits for it."""

import time
from uuid import UUID

from app.api.face.errors import Refused
from app.api.face.services import database, reading
from app.repository import trigger_hooks
from app.repository.trigger_hooks import NewHook

PATIENCE_SECONDS = 75.0
LOOK_SECONDS = 0.1
NOBODY = "No worker has arranged the webhooks of the workflow's triggers in time: see that one runs, and try again"


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
