"""What of a request was passed over because nothing here knows it, told in the header X-Ignored of the answer."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from flask import Flask, Response, g

HEADER = "X-Ignored"
MAX_NAMES = 10
MAX_LENGTH = 200
CUT_ESCAPE = re.compile(r"%[0-9A-F]?\Z")


def note_ignored(names: Iterable[str]) -> None:
    """Note names of parameters or fields that are passed over; the first few are told."""
    ignored = g.setdefault("ignored", {})
    for name in names:
        if len(ignored) == MAX_NAMES:
            return
        ignored[name] = None


def header_value(names: Iterable[str]) -> str:
    """The names, percent-encoded, with commas between them, as far as there is room."""
    text = ""
    for name in names:
        encoded = quote(name[:MAX_LENGTH], safe="", errors="replace")
        longer = f"{text},{encoded}" if text else encoded
        if len(longer) > MAX_LENGTH:
            return text or CUT_ESCAPE.sub("", encoded[:MAX_LENGTH])
        text = longer
    return text


def tell(response: Response) -> Response:
    """Put the names on the answer."""
    if names := g.get("ignored"):
        response.headers[HEADER] = header_value(names)
    return response


def register(app: Flask) -> None:
    """Let every answer of this app tell what was passed over."""
    app.after_request(tell)
