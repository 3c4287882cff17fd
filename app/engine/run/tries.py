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
        self._has_failed = False
        self._count = 0
        self._known: int | None = None
        self._began = self._started = 0

    def begin(self) -> None:
        """A try begins: a new one, or one that waited for a sub-workflow, which the node goes through once more."""
        self._known = self._count if self._children.has_known and self._count < len(self._task.tries) else None
        self._count += 1
        self.left -= 1
        self._began, self._started = time.time_ns() // 1_000_000, time.perf_counter_ns()

    def end(self, failure: str | None) -> None:
        """It has ended: with the message of a failure, or with none."""
        self._has_failed = self._has_failed or (failure is not None and self.left > 0)
        if not self._has_failed:
            return
        took = (time.perf_counter_ns() - self._started) // 1_000_000
        # Cut last: of a secret that is cut in two, nothing would find the half that is left.
        message = None if failure is None else self._ports.storable(failure)[:MAX_MESSAGE_LENGTH]
        if self._known is not None:
            self._end_known(self._known, took, message)
        else:
            noted = {"startTime": self._began, "executionTime": took, "error": message}
            self._ports.meter.take(weigh([noted]))
            self._task.tries = [*self._task.tries, noted][-MAX_TRIES:]
        self._ports.progress.tries = self._task.tries

    def _end_known(self, place: int, took: int, message: str | None) -> None:
        """A try that was noted before the wait: what failed then has failed, and what waited has come to this."""
        tries = self._task.tries
        known = tries[place]
        if known["error"] is None:
            tries[place] = {**known, "executionTime": known["executionTime"] + took, "error": message}


def failure_in(outputs: Outputs | EngineRequest | None) -> str | None:
    """Why to try again although the node went on: the first item at its first output stands for an error."""
    first = outputs[0][:1] if outputs and not isinstance(outputs, EngineRequest) else []
    error: Any = first[0]["json"].get("error") if first and isinstance(first[0]["json"], dict) else None
    if error is None or error is False:
        return None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) and message else NO_MESSAGE
