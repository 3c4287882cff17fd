"""JSON answers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from flask import Response

from app.schemas.pages import PageQuery, Row

MAX_TEXT = 4_000
"""Characters of a text that says what is wrong: it may quote a name or a value of the request, of any length."""


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
    return answer(shorten_texts({"message": message, **more}), status)


def shorten_texts(document: Any) -> Any:
    """What an error says, the keys of objects included, with the middle of each long text left out."""
    if isinstance(document, str):
        return shorten(document)
    if isinstance(document, dict):
        return {shorten_texts(key): shorten_texts(value) for key, value in document.items()}
    return [shorten_texts(value) for value in document] if isinstance(document, list) else document


def shorten(text: str) -> str:
    """The text, or its beginning and its end where it is long: what is quoted stands in between."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT * 3 // 4]} ... {text[-MAX_TEXT // 8 :]}"
