"""Calls that the trigger of a package looks at: what came, as it is, for the worker that runs it."""

import base64
from typing import Any

from flask import request

from app.api.face.client_address import client_address
from app.api.webhooks.bodies.errors import UnreadableBody
from app.api.webhooks.bodies.forms import gather, multipart_pairs, nest
from app.api.webhooks.requests import read_body, received_body, unreadable
from app.triggers.packaged import CALL, PackagedWebhook

FORM = "multipart/form-data"


def packaged_item(webhook: PackagedWebhook) -> dict[str, Any]:
    """The call of the webhook as one item. Raises Refused for a body that cannot be read."""
    data = received_body()
    try:
        read = _form(data) if request.mimetype == FORM else {"body": read_body(data, "")[0], "raw": data}
    except UnreadableBody as problem:
        raise unreadable(problem) from None
    body, raw = read["body"], read.get("raw", b"")
    came = {
        **webhook.to_json(),
        "method": request.method,
        "path": request.path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "query": nest(request.args.items(multi=True)),
        "params": {},
        "body": {} if body is None else body,
        "rawBody": base64.b64encode(raw).decode(),
        "files": read.get("files", {}),
        "ip": client_address(),
    }
    return {"json": {CALL: came}}


def _form(data: bytes) -> dict[str, Any]:
    """A form with files: they come in the place of the bytes that the form was sent in, as in n8n."""
    fields, files = multipart_pairs(data, request.mimetype_params.get("boundary", ""))
    by_field: dict[str, list[Any]] = {}
    for field, file in files:
        by_field.setdefault(field, []).append(file)
    return {"body": {"data": gather(fields)}, "files": by_field}
