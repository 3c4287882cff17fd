"""What a call to a webhook brought, as n8n's items."""

import base64
import codecs
import uuid
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header

from app.api.face.errors import Refused
from app.api.face.services import services
from app.api.webhooks.bodies.charsets import as_utf_8, codec_of
from app.api.webhooks.bodies.codings import decode_body
from app.api.webhooks.bodies.errors import BodyTooLarge, UnknownCoding, UnreadableBody
from app.api.webhooks.bodies.forms import UNKNOWN_KIND, form_fields, multipart_form, nest
from app.api.webhooks.bodies.json_text import json_text, string_text
from app.api.webhooks.bodies.xml_text import xml_text
from app.binary_files import file_entry
from app.http_rules import file_name_of
from app.triggers.webhook_settings import WebhookOptions

MULTIPART = "multipart/form-data"


def item_of(params: dict[str, str], webhook_url: str, options: WebhookOptions, version: float = 2) -> dict[str, Any]:
    """The call as one item, in which orjson.Fragments may stand. Raises Refused for a body that is not what it says."""
    data = received_body()
    name = options.binary_property or "data"
    try:
        body, files = read_body(data, options.binary_property)
    except UnreadableBody as problem:
        if version > 1 or not options.binary_data:
            raise unreadable(problem) from None
    if version <= 1 and options.binary_data:  # whatever it is, it is a file
        body, files = None, {name: received_file(data)} if data else {}
    elif options.raw_body and request.mimetype != MULTIPART:
        raw = {"data": base64.b64encode(data).decode(), "mimeType": request.mimetype or "application/json"}
        files = {"data": raw, **files}
    elif body is None and data and version > 1 and request.mimetype != "application/json":
        files = {name: received_file(data)}
    json: dict[str, Any] = {
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "params": params,
        "query": nest(request.args.items(multi=True)),
        "body": body,
        "webhookUrl": webhook_url,
        "executionMode": "production",
    }
    if body is None and (options.binary_data if version <= 1 else not options.raw_body):
        json["body"] = {}
    elif body is None and not (data and request.mimetype == "application/json"):
        del json["body"]
    return {"json": json, "binary": files} if files else {"json": json}


def received_file(data: bytes) -> dict[str, Any]:
    """The body as a file, with the name that the call gives it, or else one that no other has."""
    _, parameters = parse_options_header(request.headers.get("Content-Disposition"))
    name = file_name_of(parameters.get("filename") or "").rsplit("/", 1)[-1]
    return file_entry(data, request.mimetype or UNKNOWN_KIND, name or str(uuid.uuid4()))


def received_body() -> bytes:
    """The body without its content coding. Raises Refused, and RequestEntityTooLarge for one that is too large."""
    limit = services().settings.max_body_bytes
    data = request.get_data(cache=False)
    # Werkzeug cuts a body that comes in chunks off at the limit instead of refusing it.
    if request.content_length is None and len(data) >= limit:
        raise RequestEntityTooLarge
    try:
        return decode_body(data, request.headers.get("Content-Encoding", ""), limit)
    except BodyTooLarge:
        raise RequestEntityTooLarge from None
    except UnknownCoding as problem:
        raise Refused(415, str(problem), {"Accept-Encoding": "gzip, deflate"}, more={"code": 415}) from None
    except UnreadableBody as problem:
        raise unreadable(problem) from None


def unreadable(problem: UnreadableBody) -> Refused:
    """What a caller is told whose body cannot be read, in n8n's shape."""
    return Refused(422, "Failed to parse request body", more={"code": 422, "hint": str(problem)})


def read_body(data: bytes, prefix: str) -> tuple[Any, dict[str, Any]]:
    """The body by its content type, None for none and for types that only a file can hold; and the files in it.

    Raises UnreadableBody.
    """
    kind, charset = request.mimetype, request.mimetype_params.get("charset")
    if kind == MULTIPART:
        return multipart_form(data, request.mimetype_params.get("boundary", ""), prefix)
    if not data:
        return None, {}
    if kind == "application/x-www-form-urlencoded":
        return form_fields(data.removeprefix(codecs.BOM_UTF8), charset), {}
    if kind == "application/json":
        text = as_utf_8(data, charset)
        return None if text.strip() == b"null" else json_text(text), {}
    if kind.endswith(("/xml", "+xml")):
        return xml_text(data, charset), {}
    if kind == "text/plain":
        return string_text(data.decode(codec_of(charset), "replace"), len(data)), {}
    return None, {}
