"""Crypto: hashes, keyed hashes, signatures and random values."""

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import Any

from app.engine import conversions
from app.engine.context import NodeContext
from app.engine.errors import NodeError
from app.engine.issues import required
from app.engine.registry import Item, Outputs, node

ALGORITHMS = {
    "MD5": "md5",
    "SHA1": "sha1",
    "SHA256": "sha256",
    "SHA384": "sha384",
    "SHA512": "sha512",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
}
LONGEST_RANDOM = 65_536


def _issues(parameters: dict[str, Any], version: float) -> list[str]:
    needed = {"dataPropertyName": "data", **parameters}
    action = parameters.get("action", "hash")
    labels = {} if action == "generate" else {"value": "Value"}
    if action == "hmac" and version < 2:
        labels["secret"] = "Secret"
    return required(needed, **labels, dataPropertyName="Property Name")


@node("crypto", [1, 2], issues=_issues)
async def crypto(context: NodeContext) -> Outputs:
    put_out: list[Item] = []
    resolved = await context.resolve_each(context.parameters, parameter="value")
    for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            name = str(parameters.get("dataPropertyName", "data"))
            put_out.append({**item, "json": {**item["json"], name: _made(parameters, index)}})
        except NodeError as error:
            if not context.continues_on_fail:
                raise
            put_out.append({"json": {"error": error.message}, "pairedItem": {"item": index}})
    return [put_out]


def _made(parameters: dict[str, Any], index: int) -> str:
    action = parameters.get("action", "hash")
    if action == "generate":
        return _random(parameters, index)
    if action not in ("hash", "hmac"):
        raise NodeError(f"The Crypto node's action '{action}' is not supported.", item_index=index)
    algorithm = ALGORITHMS.get(parameters.get("type", "MD5"))
    if algorithm is None:
        raise NodeError(f"The Crypto node has no algorithm '{parameters.get('type')}'.", item_index=index)
    data = _text(parameters.get("value", ""), "data").encode()
    if action == "hash":
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    else:
        digest = hmac.new(_text(parameters.get("secret", ""), "key").encode(), data, algorithm).digest()
    return _encoded(digest, parameters.get("encoding", "hex"))


def _encoded(digest: bytes, encoding: str) -> str:
    return base64.b64encode(digest).decode() if encoding == "base64" else digest.hex()


def _random(parameters: dict[str, Any], index: int) -> str:
    kind = parameters.get("encodingType", "uuid")
    if kind == "uuid":
        return str(uuid.uuid4())
    length = conversions.to_number(parameters.get("stringLength", 32))
    if not 1 <= length <= LONGEST_RANDOM:
        raise NodeError(f"The length of a random value must be between 1 and {LONGEST_RANDOM}.", item_index=index)
    count = int(length)
    if kind == "ascii":
        return secrets.token_hex(count)[:count]
    if kind == "hex":
        return secrets.token_hex(count // 2) if count % 2 == 0 else secrets.token_hex(count)[:count]
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(count)).decode().replace("=", "")[:count]
    raise NodeError(f"The Crypto node has no encoding '{kind}'.", item_index=index)


def _text(value: Any, argument: str) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        received = "null"
    elif isinstance(value, dict | list):
        received = f"an instance of {'Array' if isinstance(value, list) else 'Object'}"
    else:
        received = f"type {conversions.type_name(value)} ({conversions.to_string(value)})"
    raise NodeError(
        f'The "{argument}" argument must be of type string or an instance of Buffer, TypedArray, or DataView. '
        f"Received {received}",
        anonymous=True,
    )
