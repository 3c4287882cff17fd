"""JSON answers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from flask import Response

from app.schemas.pages import PageQuery, Row


def answer(document: Any, status: int = 200) -> Response:
    """A document as the whole answer."""
    return raw_answer(orjson.dumps(document), status)


def raw_answer(body: bytes | Iterable[bytes], status: int = 200) -> Response:
    """JSON that is encoded already, whole or in parts."""
    return Response(body, status, content_type="application/json")


def page_answer(
    schema: PageQuery, query: Mapping[str, Any], rows: list[Row], render: Callable[[Row], dict[str, Any]]
) -> Response:
    """A page of a list; `rows` as `PageQuery.cut` takes them."""
    page, cursor = schema.cut(query, rows)
    return answer({"data": [render(row) for row in page], "nextCursor": cursor})


def error(message: str, status: int, **more: Any) -> Response:
    """The one shape of every error."""
    return answer({"message": message, **more}, status)
