"""The tries of a node that may fail and be run again, as its run records them: n8n has no place for them."""

import time
from typing import Any

from app.engine.run.context import NodeContext
from app.engine.run.engine_requests import EngineRequest
from app.engine.run.items import Outputs
from app.engine.run.memory import weigh
from app.engine.run.state import Task

MAX_TRIES = 20
"""Tries that a run keeps, the last ones: a node that asks for tools is tried anew with each answer."""
MAX_MESSAGE_LENGTH = 500
NO_MESSAGE = "It gave an error"


class Tries:
    """Notes when each try of a node began, how long it took, and why it failed: {"startTime", "executionTime",
    "error"}, times in milliseconds. Of a node that succeeds at first nothing is noted."""

    def __init__(self, context: NodeContext, task: Task) -> None:
        self.left = context.node.tries
        self._ports, self._task, self._children = context.execution.ports, task, context.children
        self._has_failed = self._is_known = False
        self._began = self._started = 0

    def begin(self) -> None:
        """A try begins: a new one, or after a wait for a sub-workflow one that the node goes through once more."""
        self._is_known = self._children.has_known and bool(self._task.tries)
        self.left -= 1
        self._began, self._started = time.time_ns() // 1_000_000, time.perf_counter_ns()

    def end(self, failure: str | None) -> None:
        """It has ended: with the message of a failure, or with none."""
        took = (time.perf_counter_ns() - self._started) // 1_000_000
        # Cut last: of a secret that is cut in two, nothing would find the half that is left.
        message = None if failure is None else self._ports.storable(failure)[:MAX_MESSAGE_LENGTH]
        self._has_failed = self._has_failed or (failure is not None and self.left > 0)
        if self._is_known:
            if failure is None or not self.left or not self._children.has_known:
                self._end_waiting(took, message)
        elif self._has_failed:
            noted = {"startTime": self._began, "executionTime": took, "error": message}
            self._ports.meter.take(weigh([noted]))
            self._task.tries = [*self._task.tries, noted][-MAX_TRIES:]
        self._ports.progress.tries = [one for one in self._task.tries if one["error"] is not None]

    def _end_waiting(self, took: int, message: str | None) -> None:
        """What failed before the wait has failed; the try that waited, the last one, has come to this."""
        *failed, waited = self._task.tries
        if waited["error"] is None:
            waited = {**waited, "executionTime": waited["executionTime"] + took, "error": message}
        self._task.tries = [*failed, waited]


def failure_in(outputs: Outputs | EngineRequest | None) -> str | None:
    """Why to try again although the node went on: the first item at its first output stands for an error."""
    first = outputs[0][:1] if outputs and not isinstance(outputs, EngineRequest) else []
    error: Any = first[0]["json"].get("error") if first and isinstance(first[0]["json"], dict) else None
    if error is None or error is False:
        return None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else NO_MESSAGE
