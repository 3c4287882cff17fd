"""What a call to a webhook brought, as n8n's items; and whether the caller may come in."""

import base64
import hmac
import ipaddress
import re
from pathlib import PurePosixPath
from typing import Any

import orjson
from flask import request
from werkzeug.datastructures import FileStorage

from app.api.errors import Refused

BOTS = re.compile(r"bot|crawl|spider|slurp|facebookexternalhit|preview|monitor", re.IGNORECASE)
WRONG = "Authorization data is wrong!"


def item_of(params: dict[str, str], webhook_url: str, options: dict[str, Any]) -> dict[str, Any]:
    """The call as one item."""
    body, files = read_body()
    item: dict[str, Any] = {
        "json": {
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "params": params,
            "query": flat(request.args.to_dict(flat=False)),
            "body": body,
            "webhookUrl": webhook_url,
            "executionMode": "production",
        }
    }
    if options.get("rawBody") or options.get("binaryData"):
        name = str(options.get("binaryPropertyName") or "data")
        files[name] = binary(request.get_data(), request.mimetype or "application/octet-stream", None)
    if files:
        item["binary"] = files
    return item


def read_body() -> tuple[Any, dict[str, Any]]:
    """The body by its content type, and the files that came with it. Raises Refused for JSON that is none."""
    kind = request.mimetype
    if kind == "multipart/form-data":
        files = {name: binary_file(file) for name, file in request.files.items()}
        return flat(request.form.to_dict(flat=False)), files
    if kind == "application/x-www-form-urlencoded":
        return flat(request.form.to_dict(flat=False)), {}
    data = request.get_data()
    if not data:
        return {}, {}
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return orjson.loads(data), {}
        except orjson.JSONDecodeError as error:
            raise Refused(422, f"Failed to parse request body: {error}") from None
    if kind.startswith("text/") or kind.endswith("xml"):
        return data.decode(request.mimetype_params.get("charset", "utf-8"), "replace"), {}
    return {}, {}


def flat(values: dict[str, list[str]]) -> dict[str, Any]:
    """A name that came once has a value, one that came several times a list."""
    return {name: given[0] if len(given) == 1 else given for name, given in values.items()}


def binary_file(file: FileStorage) -> dict[str, Any]:
    """An uploaded file as n8n's binary data."""
    return binary(file.read(), file.mimetype or "application/octet-stream", file.filename)


def binary(data: bytes, kind: str, name: str | None) -> dict[str, Any]:
    """Bytes as n8n's binary data."""
    described: dict[str, Any] = {
        "data": base64.b64encode(data).decode(),
        "mimeType": kind,
        "fileSize": f"{len(data)} B",
    }
    if name:
        described |= {"fileName": name, "fileExtension": PurePosixPath(name).suffix.lstrip(".")}
    return described


def let_in(settings: dict[str, Any], credential: dict[str, Any] | None) -> None:
    """Raise Refused for a caller that the node does not let in; `credential` is what its authentication names."""
    options = settings["options"]
    if options.get("ignoreBots") and BOTS.search(request.headers.get("User-Agent", "")):
        raise Refused(403, WRONG)
    allowed = str(options.get("ipWhitelist") or "").strip()
    if allowed and not is_listed(request.remote_addr or "", allowed):
        raise Refused(403, "IP is not whitelisted to access the webhook!")
    kind = settings["authentication"]
    if kind == "none":
        return
    if credential is None:
        raise Refused(500, "The webhook's credential is missing")
    if kind == "basicAuth":
        given = request.authorization
        if given is None or given.type != "basic":
            raise Refused(401, "Authorization is required!", {"WWW-Authenticate": 'Basic realm="Webhook"'})
        name, password = str(given.username), str(given.password)
        if not same(f"{name}:{password}", f"{credential.get('user', '')}:{credential.get('password', '')}"):
            raise Refused(403, WRONG)
    elif kind == "headerAuth":
        if not same(request.headers.get(str(credential.get("name", "")), ""), str(credential.get("value", ""))):
            raise Refused(403, WRONG)
    else:
        raise Refused(500, f"The webhook's authentication '{kind}' is not supported")


def same(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing; an empty secret lets nobody in."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def is_listed(address: str, allowed: str) -> bool:
    """Whether an address is one of the addresses or networks, which stand with commas between them."""
    try:
        ip = ipaddress.ip_address(address)
        networks = [ipaddress.ip_network(part.strip(), strict=False) for part in allowed.split(",") if part.strip()]
    except ValueError:
        return False
    return any(ip in network for network in networks)
