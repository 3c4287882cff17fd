"""Answers that have to wait for an execution: without a thread where the server can park a call, else on it."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from flask import Response, current_app, g, request

from app.api.face.errors import Refused
from app.api.face.waiters import POLL_SECONDS, Expected
from app.http import PARKING

Look = Callable[[bool], Response | None]
"""Gives the answer, None while it is not there. Is told whether the time is over: then it gives one or raises."""


def require_room() -> None:
    """Refuse a call that is going to wait, before it has done anything, when too many wait. Raises Refused."""
    parking = request.environ.get(PARKING)
    if parking is not None and parking.full:
        raise Refused(503, "Too many calls wait for an answer at the moment", {"Retry-After": "1"})


def answer_later(held: ExitStack, expected: Expected, deadline: float, look: Look) -> Response:
    """What `look` gives, as soon as it gives something. `held` is closed after that, or when the caller is gone.

    `look` may run on another thread, within a request context like the present one, but for the request's body. No
    transaction may be open.
    """
    parking = request.environ.get(PARKING)
    if parking is not None:
        comes_soon = parking.wait_a_moment(expected.wait)
        response = _look_anew(held, expected, look, over=False) if comes_soon else None
        if response is not None:
            return response
        parking.park(PendingAnswer(held, expected, deadline, look))
    with held:
        while True:
            expected.wait(min(POLL_SECONDS, deadline - time.monotonic()))
            response = _look_anew(held, expected, look, over=time.monotonic() >= deadline)
            if response is not None:
                return response


def _look_anew(held: ExitStack, expected: Expected, look: Look, *, over: bool) -> Response | None:
    """What `look` gives; `held` is closed when that is an answer, or an error."""
    expected.clear()
    try:
        response = look(over)
    except BaseException:
        held.close()
        raise
    if response is not None:
        held.close()
    return response


class PendingAnswer:
    """A call that the server has parked."""

    def __init__(self, held: ExitStack, expected: Expected, deadline: float, look: Look) -> None:
        self.deadline = deadline
        self._held = held
        self._expected = expected
        self._look = look
        self._app = current_app._get_current_object()  # type: ignore[attr-defined]
        self._known = {name: g.get(name) for name in g}

    def subscribe(self, wake: Callable[[], None]) -> None:
        """See `Pending.subscribe`: worth a look is an execution that has become what the call waits for."""
        self._expected.subscribe(wake)

    def forget(self) -> None:
        """Frees the place that the call has among those that may wait."""
        self._held.close()

    def resume(self, environ: dict[str, Any], start_response: Any, over: bool) -> Iterable[bytes]:
        """Look once more, in the place of the view: what follows a view, and its errors, is the app's as ever."""
        with self._app.request_context(environ):
            for name, value in self._known.items():
                setattr(g, name, value)
            try:
                answer: Any = self._answer_or_park(over)
            except Exception as error:
                answer = self._app.handle_user_exception(error)
            response: Iterable[bytes] = self._app.finalize_request(answer)(environ, start_response)
            return response

    def _answer_or_park(self, over: bool) -> Response:
        response = _look_anew(self._held, self._expected, self._look, over=over)
        if response is None:
            request.environ[PARKING].park(self)
        assert response is not None
        return response
