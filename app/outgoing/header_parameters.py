"""The parameters of a header such as Content-Type, whoever has written it."""

from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any

from app.outgoing.charsets import codec_named

MAX_LENGTH = 1_000
"""Characters that are read of a header: the time that this takes grows with the square of its length."""


def parameters(header: str) -> list[tuple[str, str, bool]]:
    """Name in lower case, value, and whether the value tells its character set (RFC 2231); none where the header
    cannot be read."""
    message = Message()
    message["content-type"] = header[:MAX_LENGTH]
    try:
        pairs: list[tuple[str, Any]] = message.get_params([], "content-type")
        return [(name.lower(), _text(value), isinstance(value, tuple)) for name, value in pairs]
    except (ValueError, TypeError, LookupError):  # of the library, which trips over odd numbers and characters
        return []


def charset_in(content_type: str) -> str | None:
    """What a Content-Type says that a text is written in, in lower case."""
    return next((value.lower() for name, value, _ in parameters(content_type) if name == "charset"), None)


def _text(value: str | tuple[str | None, str | None, str]) -> str:
    """The value; of one by RFC 2231 the header's parser has left the bytes as Latin-1."""
    if isinstance(value, str):
        return value
    charset, language, text = value
    return collapse_rfc2231_value((codec_named(charset) or "utf-8", language, text))
