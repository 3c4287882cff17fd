"""What the caller of a webhook gets: at once, or as the worker has written it down."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from flask import Response, request

from app.api.face.answers import error
from app.api.webhooks.response_headers import MAX_BYTES, PAGE_POLICY, Unsendable, header_text, own_headers
from app.binary_files import decode_base64
from app.http_rules import STATUSES, status_of
from app.triggers.webhook_settings import WebhookSettings

STARTED = b'{"message":"Workflow was started"}'
FAILED: dict[str, Any] = {"status": 500, "body": {"message": "Error in workflow"}}
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TOO_DEEP: dict[str, Any] = {"status": 500, "body": {"message": "The workflow's answer is nested too deeply"}}
TOO_LONG: dict[str, Any] = {"status": 500, "body": {"message": "The workflow's answer has headers that are too long"}}

TYPELESS = (204, 304)
BODILESS = (*TYPELESS, 205)
"""Statuses whose answers have no body."""
_CHARSET = re.compile(r"(?<!\s)\s*;\s*charset=(?:\"[^\"]*\"|[^;]*)", re.IGNORECASE)

_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


def at_once(settings: WebhookSettings) -> Response:
    """The answer of a webhook that answers before its workflow has begun."""
    options = settings.options
    body, kind = STARTED, JSON
    if options.no_response_body:
        body = b""
    elif options.response_text and not settings.waits:
        body, kind = options.response_text.encode("utf-8", "replace"), HTML
    return finish_answer(body, settings.response_code, kind, settings.response_headers)


def decode_answer(stored: bytes | str) -> dict[str, Any]:
    """An answer as a worker wrote it down, as `render_answer` takes it.

    A body that is no text stays JSON, as an orjson.Fragment: its objects would take many times its length in memory.
    """
    try:
        parts = {name: bytes(part) for name, part in _parts.decode(stored).items()}
    except RecursionError:
        return TOO_DEEP
    if len(parts.get("headers", b"")) > 8 * MAX_BYTES:
        return TOO_LONG
    return {
        name: orjson.Fragment(part) if name == "body" and part[:1] != b'"' else orjson.loads(part)
        for name, part in parts.items()
    }


def render_answer(answer: dict[str, Any]) -> Response:
    """An answer as a worker wrote it down: `text`, `base64`, or any JSON as `body`; nothing where none is there."""
    body, kind, textual = b"", JSON, True
    if "base64" in answer:
        textual = False
        body, kind = decode_base64(str(answer["base64"])), "application/octet-stream"
    elif "text" in answer or isinstance(answer.get("body"), str):
        body, kind = str(answer.get("text", answer.get("body"))).encode("utf-8", "replace"), HTML
    elif "body" in answer:
        body = orjson.dumps(answer["body"])
    else:
        textual = False
    return finish_answer(body, answer.get("status") or 200, kind, answer.get("headers") or {}, textual=textual)


def finish_answer(body: bytes, status: Any, kind: str, headers: Mapping[str, Any], *, textual: bool = True) -> Response:
    """The response with the workflow's own headers, and then this server's; a 500 for what cannot be sent.

    `textual` tells a body that was written in UTF-8 here, and whose type says so.
    """
    code = status_of(status)
    if code in BODILESS:
        body = b""
    response = Response(body, code or 200, content_type=kind)
    try:
        if code is None:
            raise Unsendable(f"The workflow answers with the status {str(status)[:20]}, which is not {STATUSES}")
        for name, text in own_headers(headers):
            if name.lower() != "content-type":
                response.headers[name] = text
            elif text:
                response.headers[name] = in_utf_8(text) if textual else text
    except Unsendable as problem:
        response = error(str(problem), 500)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    if response.status_code in TYPELESS:
        del response.headers["Content-Type"]
    return response


def in_utf_8(kind: str) -> str:
    """A type of content with the charset that every text is written in here."""
    return f"{_CHARSET.sub('', kind)}; charset=utf-8" if "/" in kind else kind


def no_content() -> Response:
    """The answer of a preflight, which has no type either."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def with_cors(response: Response, allowed_origins: str, methods: list[str]) -> Response:
    """Let a page of another origin see the answer, as far as the node allows."""
    origin = request.headers.get("Origin")
    if origin is None:
        return response
    allowed = [part.strip() for part in allowed_origins.split(",")]
    response.headers["Access-Control-Allow-Origin"] = (
        origin if "*" in allowed or origin in allowed else header_text(allowed[0])
    )
    response.headers["Access-Control-Allow-Methods"] = ", ".join(["OPTIONS", *methods])
    response.headers["Vary"] = "Origin"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Max-Age"] = "300"
        if asked := request.headers.get("Access-Control-Request-Headers"):
            response.headers["Access-Control-Allow-Headers"] = asked
    return response
