"""Lets pages of other origins call the API from a browser, where EXECUTIONS_CORS_ORIGINS names them; off by default.

Keys travel in a header that a page must set itself, so that no cookie of anybody's is ever used for it.
"""

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from app.api.face.ignored_names import HEADER as IGNORED
from app.api.face.services import services

PREFIX = "/api/v1/"
ANY = "*"
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED = "X-N8N-API-KEY, Authorization, Content-Type, Idempotency-Key, X-Request-Id"
EXPOSED = f"X-Request-Id, {IGNORED}, Retry-After, Idempotent-Replayed"
PREFLIGHT_SECONDS = "86400"


def allowed_origin() -> str | None:
    """What the present request's answer may be shown to; None: to no page of another origin."""
    origins = services().settings.cors_origins
    origin = request.headers.get("Origin") if origins else None
    if origin is None or not request.path.startswith(PREFIX):
        return None
    if ANY in origins:
        return ANY
    return origin if origin.lower() in origins else None


def answer_preflight() -> Response | None:
    """The answer to a browser that asks before it sends; other requests go on."""
    if request.method != "OPTIONS" or not services().settings.cors_origins or not request.path.startswith(PREFIX):
        return None
    if isinstance(request.routing_exception, NotFound):
        return None
    response = Response(status=204)
    if allowed_origin() is not None:
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = ALLOWED
        response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def allow(response: Response) -> Response:
    """Say whom the answer may be shown to."""
    if not services().settings.cors_origins:
        return response
    origin = allowed_origin()
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.path.startswith(PREFIX):
        response.vary.add("Origin")
    return response


def register(app: Flask) -> None:
    """Answer preflights before keys are asked for, and mark every answer."""
    app.before_request(answer_preflight)
    app.after_request(allow)
