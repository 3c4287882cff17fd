"""Calls that the trigger of a package looks at: what came, as it is, for the worker that runs it."""

import base64
from typing import Any

from flask import request

from app.api.face.client_address import client_address
from app.api.webhooks.bodies.errors import Unreadable
from app.api.webhooks.bodies.forms import nested
from app.api.webhooks.requests import read_body, received_body, unreadable

CALL = "webhookCall"


def packaged_item(stored: dict[str, Any]) -> dict[str, Any]:
    """The call as one item; `stored` is what was kept of the webhook. Raises Refused for a body that cannot be read."""
    data = received_body()
    try:
        body, _ = read_body(data, "")
    except Unreadable as problem:
        raise unreadable(problem) from None
    came = {
        **stored,
        "method": request.method,
        "path": request.path,
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "query": nested(request.args.items(multi=True)),
        "params": {},
        "body": {} if body is None else body,
        "rawBody": base64.b64encode(data).decode(),
        "ip": client_address(),
    }
    return {"json": {CALL: came}}
