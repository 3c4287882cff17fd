"""Sessions of browsers: a cookie that stands for an API key, and what keeps other pages from using it.

A cookie travels by itself, so that it counts only for requests that a page of this very origin has sent, and for what
changes something only together with a token that such a page alone can read.
"""

import base64
import hashlib
import hmac
import secrets

from flask import Flask, Request, Response, current_app, g, request

from app.api.face.errors import Refused
from app.api.face.proxies import unwrap
from app.api.face.services import database, reading, services
from app.http_rules import SAFE_METHODS
from app.repository.api_keys import ApiKey
from app.repository.console_sessions import close_session, find_session, open_session

COOKIE = "executions-session"
UNDER_TLS = "__Host-executions-session"
"""With this name a browser takes a cookie only from this very host, and only over TLS."""
TOKEN_HEADER = "X-Console-Token"
TOKEN_FIELD = "token"
ATTENDED_HEADER = "X-Console-Attended"
SESSION_PAGES = ("console", "callbacks")
"""Blueprints that answer without a key, start no workflow, and look at who is signed in."""
MAX_TOKEN_LENGTH = 64
FROM_ELSEWHERE = "This was asked for by a page of another origin"
STALE = "This page is older than your session: load it again"


def uses_tls() -> bool:
    """Whether browsers reach this server over TLS, as EXECUTIONS_WEBHOOK_URL says."""
    return services().settings.webhook_url.startswith("https://")


def cookie_name() -> str:
    """The name of the session's cookie; under TLS one that browsers keep for this host alone."""
    return UNDER_TLS if uses_tls() else COOKIE


def session_token() -> str:
    """What the browser's cookie holds; empty for none."""
    return request.cookies.get(cookie_name(), "")


def session_key() -> ApiKey | None:
    """The key that the request's cookie stands for; None for no cookie, or one that stands for none any more.

    Raises Refused for a request that another origin's page has sent, and for a change without the page's token.
    """
    token = session_token()
    if not 0 < len(token) <= MAX_TOKEN_LENGTH:
        return None
    require_same_origin()
    with reading() as connection:  # one statement, and a second one each minute: neither pays for BEGIN
        api_key = find_session(connection, token, in_use=is_somebody_there())
    if api_key is not None and request.method not in SAFE_METHODS:
        require_page_token(token)
    if api_key is not None:
        g.session_token = token
    return api_key


def is_somebody_there() -> bool:
    """Whether the request tells that somebody uses the session: a page was opened, something changed, or the page says
    that it was touched a moment ago. An open page that asks by itself, or listens to events, is no use of it.
    """
    return (
        request.method not in SAFE_METHODS
        or ATTENDED_HEADER in request.headers
        or "text/html" in request.headers.get("Accept", "")
    )


def require_same_origin() -> None:
    """Refuse what another origin's page has sent. Raises Refused.

    Browsers say so in Sec-Fetch-Site, and before they knew that header in Origin. To look at something one may also
    come by a link from anywhere; to change something neither header may be missing.
    """
    safe = request.method in SAFE_METHODS
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        followed_link = safe and request.headers.get("Sec-Fetch-Mode") == "navigate"
        if site == "same-origin" or (safe and site == "none") or followed_link:
            return
        raise Refused(403, FROM_ELSEWHERE)
    origin = request.headers.get("Origin")
    if origin is None and safe:
        return
    if origin is None or origin.partition("://")[2].lower() != request.host.lower():
        raise Refused(403, FROM_ELSEWHERE)


def require_page_token(token: str) -> None:
    """Refuse a change that does not carry what only a page of this session can read. Raises Refused."""
    shown = request.headers.get(TOKEN_HEADER, "")
    if not shown and request.mimetype == "application/x-www-form-urlencoded":
        shown = request.form.get(TOKEN_FIELD, "")
    if not hmac.compare_digest(shown.encode(), page_token(token).encode()):
        raise Refused(403, STALE)


def page_token(token: str) -> str:
    """What the pages of a session send along with every change."""
    return base64.urlsafe_b64encode(hmac.digest(token.encode(), b"page", hashlib.sha256)).decode().rstrip("=")


def begin_session(response: Response, api_key_id: int) -> Response:
    """Let the browser that gets this answer be signed in with the key; a session that it had ends."""
    token, former = secrets.token_urlsafe(32), session_token()
    with database() as connection:
        if former:
            close_session(connection, former)
        open_session(connection, token, api_key_id)
    return set_cookie(response, token)


def end_session(response: Response) -> Response:
    """Sign out the browser that gets this answer."""
    with database() as connection:
        close_session(connection, session_token())
    return set_cookie(response, "", max_age=0)


def set_cookie(response: Response, value: str, max_age: int | None = None) -> Response:
    """Give the browser the cookie; `max_age` in seconds, None: until it is closed."""
    # Ends with the browser, and before that where the server says so.
    response.set_cookie(cookie_name(), value, max_age=max_age, secure=uses_tls(), httponly=True, samesite="Lax")
    return response


def hide_cookie() -> None:
    """Keep the cookie from what answers without a key: a workflow would record it."""
    asked = unwrap(request)
    if COOKIE not in asked.environ.get("HTTP_COOKIE", ""):
        return
    view = current_app.view_functions.get(asked.endpoint or "")
    if getattr(view, "public", False) and asked.blueprint not in SESSION_PAGES:
        remove_cookie(asked)


def remove_cookie(sent: Request) -> None:
    """Take the session's cookie out of a request."""
    header = sent.environ.get("HTTP_COOKIE", "")
    if COOKIE not in header:
        return
    others = [part for part in header.split(";") if part.partition("=")[0].strip() not in (COOKIE, UNDER_TLS)]
    sent.environ["HTTP_COOKIE"] = ";".join(others).strip()
    if not others:
        del sent.environ["HTTP_COOKIE"]


def register(app: Flask) -> None:
    """Let no workflow of this app see a session."""
    app.before_request(hide_cookie)
