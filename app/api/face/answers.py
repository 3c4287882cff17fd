"""JSON answers."""

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Response


def answer(document: Any, status: int = 200) -> Response:
    """A document as the whole answer."""
    return raw_answer(orjson.dumps(document), status)


def raw_answer(body: bytes | Iterable[bytes], status: int = 200) -> Response:
    """JSON that is encoded already, whole or in parts."""
    return Response(body, status, content_type="application/json")


def error(message: str, status: int, **more: Any) -> Response:
    """The one shape of every error."""
    return answer({"message": message, **more}, status)
