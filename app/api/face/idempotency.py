"""Idempotency-Key: a call that is sent again gets the first answer, and nothing is done twice.

What was done and its answer are one transaction; a call that failed left nothing and may be sent again.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request

from app.api.face.answers import raw_answer
from app.api.face.auth import caller
from app.api.face.errors import Refused
from app.repository import idempotency
from app.repository.connection import Connection

HEADER = "Idempotency-Key"
SANE_KEY = re.compile(r"[!-~]{1,255}")


def once(connection: Connection, act: Callable[[], Any]) -> Response:
    """The answer to what `act` does and returns, or the first answer when the call was made before.

    Raises IdempotencyKeyReused when the key came with another request, and Refused for a malformed key.
    """
    key = idempotency_key()
    if key is None:
        return raw_answer(orjson.dumps(act()))
    first = idempotency.first_answer(connection, caller().id, key, fingerprint())
    if first is not None:
        response = raw_answer(first)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    body = orjson.dumps(act())
    idempotency.remember(connection, caller().id, key, body)
    return raw_answer(body)


def replace_answer(connection: Connection, document: Any) -> Response:
    """Answer with what is known now, and let that be the first answer from here on."""
    body = orjson.dumps(document)
    key = idempotency_key()
    if key is not None:
        idempotency.remember(connection, caller().id, key, body)
    return raw_answer(body)


def is_replayed(response: Response) -> bool:
    """Whether this answer was given before."""
    return "Idempotent-Replayed" in response.headers


def idempotency_key() -> str | None:
    """The key of the present request, None without one. Raises Refused for one that is malformed."""
    key = request.headers.get(HEADER)
    if key is not None and not SANE_KEY.fullmatch(key):
        raise Refused(400, f"{HEADER} must be 1 to 255 visible ASCII characters")
    return key


def fingerprint() -> bytes:
    """What makes two requests the same: method, path with its query, and the body's meaning."""
    body = request.get_data()
    path = "?".join(filter(None, (request.path, urlencode(sorted(request.args.items(multi=True))))))
    try:
        canonical = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS) if body.strip() else b"{}"
    except (TypeError, orjson.JSONDecodeError):  # deeper than the encoder goes; no JSON, where no body is looked at
        canonical = body
    return b"\n".join((request.method.encode(), path.encode(), canonical))
