"""What the caller of a webhook gets: at once, or as the worker has written it down."""

import base64
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, request

from app.triggers.webhook_settings import WebhookSettings

STARTED = b'{"message":"Workflow was started"}'
FAILED: dict[str, Any] = {"status": 500, "body": {"message": "Error in workflow"}}
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
# A page that a workflow answers with may do what pages do, but not as one of this server's origin.
PAGE_POLICY = (
    "sandbox allow-downloads allow-forms allow-modals allow-orientation-lock allow-pointer-lock allow-popups "
    "allow-popups-to-escape-sandbox allow-presentation allow-scripts allow-top-navigation-by-user-activation "
    "allow-top-navigation-to-custom-protocols"
)


def at_once(settings: WebhookSettings) -> Response:
    """The answer of a webhook that answers before its workflow has begun."""
    options = settings.options
    body, kind = STARTED, JSON
    if options.no_response_body:
        body = b""
    elif options.response_text and not settings.waits:
        body, kind = options.response_text.encode("utf-8", "replace"), HTML
    return finished(body, settings.response_code, kind, settings.response_headers)


def rendered(answer: dict[str, Any]) -> Response:
    """An answer as a worker wrote it down: `text`, `base64`, or any JSON as `body`; nothing where none is there."""
    body, kind = b"", JSON
    if "base64" in answer:
        body, kind = base64.b64decode(answer["base64"]), "application/octet-stream"
    elif "text" in answer or isinstance(answer.get("body"), str):
        body, kind = str(answer.get("text", answer.get("body"))).encode("utf-8", "replace"), HTML
    elif "body" in answer:
        body = orjson.dumps(answer["body"])
    return finished(body, int(answer.get("status") or 200), kind, answer.get("headers") or {})


def finished(body: bytes, status: int, kind: str, headers: Mapping[str, Any]) -> Response:
    """The response with the workflow's own headers, of which none can start a line of its own."""
    response = Response(body, status, content_type=kind)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    for name, value in headers.items():
        text = str(value).replace("\r", " ").replace("\n", " ")
        if name.lower() == "content-type" and text.startswith("text/") and "charset" not in text:
            text += "; charset=utf-8"
        response.headers[str(name)] = text
    return response


def with_cors(response: Response, allowed_origins: str, methods: list[str]) -> Response:
    """Let a page of another origin see the answer, as far as the node allows."""
    origin = request.headers.get("Origin")
    if origin is None:
        return response
    allowed = [part.strip() for part in allowed_origins.split(",")]
    response.headers["Access-Control-Allow-Origin"] = origin if "*" in allowed or origin in allowed else allowed[0]
    response.headers["Access-Control-Allow-Methods"] = ", ".join(["OPTIONS", *methods])
    response.headers["Vary"] = "Origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Max-Age"] = "300"
        if asked := request.headers.get("Access-Control-Request-Headers"):
            response.headers["Access-Control-Allow-Headers"] = asked
    return response
