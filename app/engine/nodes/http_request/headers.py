"""Headers of requests as workflows give them: their names and values, as HTTP can carry them."""

import re
from collections.abc import Iterable
from typing import Any

from app.engine.nodes.http_request.failures import RequestFailed
from app.engine.values import conversions

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]+")
_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+\Z")


def drop_nameless(entries: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Without those that no header can be named after."""
    return [(name, value) for name, value in entries if name not in ("", "undefined")]


def header_value(value: Any) -> str:
    """A value as a header can carry it, on one line and in Latin-1; as in n8n, other characters are left out."""
    return _UNSENDABLE.sub("", conversions.to_string(value)).strip()


def check_method(name: str, item: int) -> None:
    """Raises NodeError for a method that no request can have."""
    if not _TOKEN.match(name):
        raise _no_token("Method", name.upper(), item)


def _no_token(what: str, name: str, item: int) -> RequestFailed:
    code, message = "ERR_INVALID_HTTP_TOKEN", f'{what} must be a valid HTTP token ["{name}"]'
    shown = {"code": code, "message": message}
    return RequestFailed(message, description=None, item=item, code=code, raw="", shown=shown)


def put_header(headers: dict[str, tuple[str, str]], name: str, value: Any, item: int) -> None:
    """Set one header, whatever the letter case of its name: a list once for each entry, cookies in one; null and false
    take it away.

    Raises NodeError for a name that none can have.
    """
    name = name.strip()
    if not _TOKEN.match(name):
        raise _no_token("Header name", name, item)
    key = name.lower()
    for again in [each for each in headers if each.partition("\n")[0] == key]:
        del headers[again]
    values = value if isinstance(value, list) else [] if value is None or value is False else [value]
    if key == "cookie" and len(values) > 1:
        values = ["; ".join(conversions.to_string(each) for each in values)]
    for place, each in enumerate(values):
        headers[f"{key}\n{place}" if place else key] = (name, header_value(each))
