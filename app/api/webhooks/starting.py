"""An execution that a call from outside starts."""

from contextlib import ExitStack

from app.api.face.services import at_once, services
from app.api.face.traces import called_within
from app.api.face.waiters import Expected
from app.repository import lifecycle
from app.repository.lifecycle import StartInput
from app.repository.triggers import RegisteredWebhook


def start_called(
    webhook: RegisteredWebhook, items: bytes, *, waits: bool, awaited: bool, sealed: bytes | None = None
) -> tuple[int, ExitStack, Expected | None]:
    """Start what was called: the execution's id, and where the caller `waits` what answers it as soon as it has ended.

    `items` is JSON, `awaited` whether the worker writes down an answer, `sealed` the caller's proof. Closing the stack
    ends the expectation.
    """
    start = StartInput(webhook.node, items, sealed, called_within())
    if waits:
        services().waiters.begin()
    with at_once() as connection:
        execution_id = lifecycle.create_execution(connection, webhook.target, start, mode="webhook", awaited=awaited)
    # Should a worker have been quicker than this line, what was heard of its answer is kept.
    waiting = ExitStack()
    expected = waiting.enter_context(services().waiters.expecting(execution_id)) if waits else None
    return execution_id, waiting, expected
