"""Encodes a value as the body of a request, a JSON value by the content type that the request's own headers name.

n8n hands the value to axios: an object turns into the form or the multipart form that a header announces, and a text
that stands alone is sent as it is, unless the header says JSON.
"""

from typing import Any

from app.engine.nodes.http_request import encoding as http_encoding
from app.engine.nodes.http_request.encoding import Part
from app.engine.run.errors import NodeError
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert, Undefined

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"
WITH_FORM_TYPE = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose bodies count as forms where nobody says what they are."""


def json_body(value: Any, sent_type: str, method: str) -> tuple[str | None, bytes]:
    """The content type (None: none is named) and the body; `sent_type` is what the headers name, empty for none."""
    if MULTIPART in sent_type and isinstance(value, dict | list):
        return multipart_body(value)
    if sent_type.startswith(FORM) and isinstance(value, dict | list):
        return sent_type, _form(value, as_axios=sent_type != FORM).encode()
    if JSON in sent_type or not (value is None or isinstance(value, str)):
        return JSON, json_text(value).encode()
    return FORM if method in WITH_FORM_TYPE else None, (value or "").encode()


def json_text(value: Any) -> str:
    """The value as JSON; a text that is JSON itself stays what it is."""
    if isinstance(value, str):
        try:
            conversions.parse_json(value)
            return value.strip()
        except CannotConvert:
            pass
    return conversions.to_json_text(http_encoding.plain_numbers(value))


def raw_body(given: Any, kind: str | None) -> tuple[str | None, bytes]:
    """Text as it is; what is to be JSON is trimmed, or, where it is none, sent as a JSON text, as axios does."""
    text = "" if given is None else _text_of(given)
    if "application/json" in (kind or "") and isinstance(given, str):
        try:
            conversions.parse_json(text)
            text = text.strip()
        except CannotConvert:
            text = conversions.to_json_text(text)
    return kind, text.encode()


def form_text(given: Any) -> str:
    """The text of a form: an object is one already. Raises NodeError for a list."""
    if isinstance(given, list):
        raise NodeError("Each query pair must be an iterable [name, value] tuple")
    return http_encoding.flat_form(given) if isinstance(given, dict) else _text_of(given)


def _text_of(given: Any) -> str:
    return "" if isinstance(given, Undefined) else conversions.display(given)


def multipart_body(value: dict[str, Any] | list[Any]) -> tuple[str, bytes]:
    """A form with a part for each field, and for each entry of a list; what is deeper is written as JSON."""
    fields = _fields_of(value)
    entries = [
        (name, each) for name, given in fields.items() for each in (given if isinstance(given, list) else [given])
    ]
    return http_encoding.multipart([Part(name, _part_text(each).encode()) for name, each in entries])


def _fields_of(value: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """The fields of a form; an entry of a list is named by its place."""
    return value if isinstance(value, dict) else {str(place): entry for place, entry in enumerate(value)}


def _part_text(value: Any) -> str:
    return "null" if value is None else conversions.display(value)


def _form(value: dict[str, Any] | list[Any], *, as_axios: bool) -> str:
    """`as_axios`: axios writes it, and not n8n: null is left out, and a space is a plus."""
    fields = _fields_of(value)
    if not as_axios:
        return http_encoding.form(fields)
    given = {name: each for name, each in fields.items() if each is not None}
    return http_encoding.form(given).replace("%20", "+")
