"""Cursors: where a list goes on and which list it is, as unpadded base64url of compact JSON.

`{"lastId":"123","limit":20}`, and behind it the list's filters under the names of their query parameters.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

import orjson
from marshmallow import ValidationError

MAX_LENGTH = 8_192
INVALID = "An invalid cursor was provided"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: after `last_id`, `limit` at a time; `filters` are JSON values by parameter name."""

    last_id: str
    limit: int
    filters: dict[str, Any] = field(default_factory=dict)


class InvalidCursor(ValidationError):
    """The text is no cursor that this program made."""

    def __init__(self) -> None:
        super().__init__(INVALID)


def encode_cursor(cursor: Cursor) -> str:
    """The cursor's text."""
    document = {"lastId": cursor.last_id, "limit": cursor.limit, **cursor.filters}
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=").decode()


def decode_cursor(text: str) -> Cursor:
    """The cursor that has this text, with or without padding. Raises InvalidCursor for any other text."""
    bare = text.rstrip("=")
    if not bare or len(text) > MAX_LENGTH or len(text) - len(bare) > 2:
        raise InvalidCursor
    try:
        document = orjson.loads(base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    if not isinstance(document, dict):
        raise InvalidCursor
    last_id, limit = document.pop("lastId", None), document.pop("limit", None)
    if not isinstance(last_id, str) or type(limit) is not int:
        raise InvalidCursor
    cursor = Cursor(last_id, limit, document)
    try:
        canonical = encode_cursor(cursor)
    except TypeError:
        raise InvalidCursor from None
    if canonical != bare:  # key order, spaces, repeated keys, stray bits
        raise InvalidCursor
    return cursor
