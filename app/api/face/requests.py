"""What every request gets: an id, a log line, headers, and its place in the measurements."""

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from app.api.face.client_address import client_address
from app.api.face.errors import Refused
from app.api.face.proxies import unwrap
from app.api.face.services import services
from app.api.face.traces import begin_span, end_span

log = logging.getLogger("app.requests")

SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
SCHEME_AND_HOST = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)
WEBHOOKS = ("webhook", "webhook-waiting")
"""Below these a slash may be encoded: it is a part of what a parameter says."""
SCOPED_NAME = r"(?:@|%40)[a-z0-9~_-][a-z0-9._~-]*%2f[a-z0-9~_-][a-z0-9._~-]*"
PACKAGE = re.compile(rf"/api/v1/community-packages/{SCOPED_NAME}", re.IGNORECASE | re.ASCII)
"""The slash of `@scope/name` is a part of the name, and clients encode it; nothing there climbs out of the folder."""
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)


def begin() -> None:
    """Give the request an id: the caller's when it is sane, else a new one."""
    own = unwrap(g)
    own.began = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    own.request_id = given if SANE_ID.fullmatch(given) else secrets.token_hex(8)
    begin_span()


def refuse_other_spellings() -> None:
    """Refuse a path that a proxy in front may have read as another one than this server does.

    Whoever lets only some paths out compares them as they are spelled. Raises Refused.
    """
    environ = request.environ
    path = environ["PATH_INFO"]
    target = SCHEME_AND_HOST.sub("", environ.get("RAW_URI") or path).partition("?")[0]
    first = target[1:].partition("/")[0]
    encoded_slash = "%2f" in target.lower() and first not in WEBHOOKS and not PACKAGE.fullmatch(target)
    if target.startswith("//") or path.startswith("//") or "%" in first or encoded_slash:
        raise Refused(404, "Not found")


def end(response: Response) -> Response:
    """Put the id on the answer, and note the request."""
    own, asked, shared = unwrap(g), unwrap(request), services()
    seconds = time.perf_counter() - own.began
    headers = response.headers
    headers.add("X-Request-Id", own.request_id)
    for name, value in HEADERS:
        if name not in headers:
            headers.add(name, value)
    rule = asked.url_rule.rule if asked.url_rule else "unknown"
    shared.metrics.observe(rule, asked.method, response.status_code, seconds)
    shared.metrics.observe_pool(shared.pool, now=own.began)
    end_span(response)
    api_key = own.get("api_key")
    log.info(
        "request",
        extra={
            "method": asked.method,
            "path": asked.path,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "request_id": own.request_id,
            "client": client_address(),
            "key": None if api_key is None else api_key.id,
        },
    )
    return response


def register(app: Flask) -> None:
    """Let every request of this app be noted; must come before whatever may refuse one."""
    app.before_request(begin)
    app.before_request(refuse_other_spellings)
    app.after_request(end)
