"""Room for the body of each request, kept before it is read; see app.api.face.body_budget."""

from flask import Flask, g, request

from app.api.face.errors import Refused
from app.api.face.proxies import unwrap
from app.api.face.services import services

FREE_BYTES = 64 * 2**10
"""A body up to this size is not counted."""
BUSY = "Too many large requests are being read at the moment"


def announced_bytes(largest: int) -> int:
    """How large the present request's body may become; `largest` for one that does not say.

    0 for one that announces more than `largest`: it is refused and not read.
    """
    asked = unwrap(request)
    length = asked.content_length
    if length is None:
        length = largest if "Transfer-Encoding" in asked.headers else 0
    if length > largest:
        return 0
    return largest if length and "Content-Encoding" in asked.headers else length


def take() -> None:
    """Keep room for the present request's body. Raises Refused when others have taken it all."""
    size = announced_bytes(services().settings.max_body_bytes)
    if size <= FREE_BYTES:
        return
    if not services().bodies.take(size):
        raise Refused(503, BUSY, {"Retry-After": "1"})
    g.body_bytes = size


def give_back(_: BaseException | None) -> None:
    """Let others have the room, whatever came of the request; one that waits for an execution waits without it."""
    if size := g.pop("body_bytes", 0):
        services().bodies.give_back(size)


def register(app: Flask) -> None:
    """Count the bodies of this app; to come after what refuses callers without a key."""
    app.before_request(take)
    app.teardown_request(give_back)
