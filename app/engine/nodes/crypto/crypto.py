"""Crypto: hashes, keyed hashes, signatures and random values."""

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from app.engine.nodes.crypto import key_pairs, passphrases
from app.engine.nodes.crypto.parameters import CREDENTIALS, ISSUES
from app.engine.nodes.shared import binary
from app.engine.nodes.shared.failed_items import failed_item
from app.engine.nodes.shared.value_names import received
from app.engine.run.computing import compute, yield_to_loop
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.items import Item, Outputs
from app.engine.run.memory import POINTER, SCALAR
from app.engine.run.registry import node
from app.engine.values import conversions
from app.engine.values.conversions import Undefined
from app.private_keys import PrivateKeys, UnusableKey

ALGORITHMS = {
    "MD5": "md5",
    **dict.fromkeys(("SHA1", "SHA-1"), "sha1"),
    **{f"{name}{size}": f"sha{size}" for name in ("SHA", "SHA-", "SHA2-") for size in (224, 256, 384, 512)},
    "SHA3-224": "sha3_224",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
}
ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda digest: base64.b64encode(digest).decode(),
    "base64url": lambda digest: base64.urlsafe_b64encode(digest).decode().rstrip("="),
    **dict.fromkeys(("latin1", "binary"), lambda digest: digest.decode("latin-1")),
    **dict.fromkeys(("utf8", "utf-8"), lambda digest: digest.decode("utf-8", "replace")),
    "ascii": lambda digest: bytes(byte & 0x7F for byte in digest).decode(),
}
"""How Node.js writes bytes in each of its encodings."""
SIGNATURE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "MD5": hashes.MD5(),
    "SHA1": hashes.SHA1(),
    "SHA1-2": hashes.SHA1(),
    "SHA224": hashes.SHA224(),
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
    "SHA512/224": hashes.SHA512_224(),
    "SHA512/256": hashes.SHA512_256(),
    "SHA3-224": hashes.SHA3_224(),
    "SHA3-256": hashes.SHA3_256(),
    "SHA3-384": hashes.SHA3_384(),
    "SHA3-512": hashes.SHA3_512(),
}
PASSPHRASE = ("passphrase", "encryptionPassphrase", "encryption passphrase", "an Encryption Passphrase")
SECRETS = {
    "hmac": ("secret", "hmacSecret", "HMAC secret", "an HMAC secret"),
    "sign": ("privateKey", "signPrivateKey", "private key", "a private key"),
    "encrypt": PASSPHRASE,
    "decrypt": PASSPHRASE,
}
KEYS = {
    "encrypt": ("publicKey", "encryptionPublicKey", "encryption public key", "an Encryption Public Key"),
    "decrypt": ("privateKey", "encryptionPrivateKey", "encryption private key", "an Encryption Private Key"),
}
"""What each action takes from a credential: its name here, the credential's field, and what n8n calls it."""
MAX_RANDOM_LENGTH = 65_536
BUFFER_BYTES = 64 * (POINTER + SCALAR)
"""What the longest digest takes as a list of numbers."""
KINDS = {
    "data": "Buffer, TypedArray, or DataView",
    "key": "ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey",
}
"""What Node.js takes beside text."""


@node("crypto", [1, 2], issues=ISSUES, credentials=CREDENTIALS, exact=True)
async def crypto(context: NodeContext) -> Outputs:
    output: list[Item] = []
    keys = PrivateKeys()
    resolved = await context.resolve_each(context.parameters, parameter="value", exact=True)
    for index, (item, parameters) in enumerate(zip(context.items, resolved, strict=True)):
        await yield_to_loop()
        try:
            if isinstance(parameters, NodeError):
                raise parameters
            parameters = {name: _null_for_undefined(name, value) for name, value in parameters.items()}
            named = parameters.get("dataPropertyName")
            name = "data" if named is None else conversions.to_string(named)
            settings = {**parameters, **await _secrets(context, parameters)}
            if context.version >= 2 and settings.get("action") in ("encrypt", "decrypt"):
                made: Any = await _encrypt_or_decrypt(settings, keys, index)
            elif settings.get("action") == "sign":
                made = await _sign(settings, keys)
            else:
                made = _compute(item, settings, index, context.version)
            context.hold(len(made) if isinstance(made, str) else BUFFER_BYTES)
            output.append({**item, "json": {**item["json"], name: made}})
        except NodeError as error:
            failed = failed_item(context, error, index)
            output.append(failed if context.version < 2 else {**failed, "json": {"error": _told(error)}})
    return [output]


def _told(error: NodeError) -> dict[str, Any]:
    """An item's error as the node's version 2 shows it: not the message alone."""
    if "must be of type" in error.message:
        return {"message": error.message, "name": "TypeError", "code": "ERR_INVALID_ARG_TYPE"}
    named = error.name if "[item " in error.message else "Error"
    return {"message": error.message, "name": named}


async def _secrets(context: NodeContext, parameters: dict[str, Any]) -> dict[str, Any]:
    """From version 2 on, what is secret comes from a credential instead of the parameters."""
    action = parameters.get("action")
    if context.version < 2 or action not in SECRETS:
        return {}
    credential = await context.credential("crypto")
    asymmetric = action in KEYS and parameters.get("mode", "symmetric") == "asymmetric"
    name, field, wanted, article = KEYS[action] if asymmetric else SECRETS[action]
    if not credential.get(field):
        raise NodeError(f"No {wanted} set in credentials. Please add {article} to your Crypto credentials.")
    return {name: credential[field]}


async def _encrypt_or_decrypt(parameters: dict[str, Any], keys: PrivateKeys, index: int) -> str:
    """A text encrypted or decrypted; with a passphrase that takes a good part of a second, so not on the loop."""
    value = _text(parameters.get("value", ""), "data")
    cipher = str(parameters.get("cipher") or "aes-256-gcm")
    try:
        if parameters.get("mode", "symmetric") == "asymmetric":
            if parameters["action"] == "encrypt":
                public = await key_pairs.public_key(str(parameters["publicKey"]), keys)
                return await compute(key_pairs.encrypt, value, public)
            private = await key_pairs.private_key(str(parameters["privateKey"]), keys)
            return await compute(key_pairs.decrypt, value, private)
        convert = passphrases.encrypt if parameters["action"] == "encrypt" else passphrases.decrypt
        return await compute(convert, value, str(parameters["passphrase"]), cipher)
    except ValueError as error:
        raise NodeError(str(error), item_index=index) from error


def _compute(item: Item, parameters: dict[str, Any], index: int, version: float) -> str | dict[str, Any]:
    action = parameters.get("action", "hash")
    if action == "generate":
        return _random(parameters, index)
    encoding = parameters.get("encoding", "hex")
    if action not in ("hash", "hmac"):
        shown = conversions.display(action)
        raise NodeError(f"The Crypto node's action '{shown}' is not supported.", item_index=index)
    named = _algorithm(
        parameters.get("type", "MD5" if version < 2 else "SHA256"), "hmac" if action == "hmac" else "algorithm"
    )
    algorithm = ALGORITHMS.get(named.upper().removeprefix("RSA-"))
    key = _text(parameters.get("secret", ""), "key").encode() if action == "hmac" else b""
    if algorithm is None:
        said = f"Invalid digest: {named}" if action == "hmac" else "Digest method not supported"
        raise NodeError(said, anonymous=True)
    if parameters.get("binaryData"):
        data = binary.read(item, parameters.get("binaryPropertyName", "data"), index)
    else:
        data = _text(parameters.get("value", ""), "data").encode()
    if action == "hash":
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    else:
        digest = hmac.new(key, data, algorithm).digest()
    return _encode_digest(digest, encoding)


def _algorithm(name: Any, argument: str = "algorithm") -> str:
    if isinstance(name, str):
        return name
    raise NodeError(f'The "{argument}" argument must be of type string. Received {received(name)}', anonymous=True)


async def _sign(parameters: dict[str, Any], keys: PrivateKeys) -> str | dict[str, Any]:
    name = _algorithm(parameters.get("algorithm", "")).upper().removeprefix("RSA-")
    algorithm = SIGNATURE_HASHES.get(name)
    if algorithm is None:
        raise NodeError(f"The Crypto node cannot sign with '{parameters.get('algorithm')}'.")
    try:
        key = await keys.load(str(parameters.get("privateKey", "")))
    except UnusableKey as error:
        raise NodeError("error:1E08010C:DECODER routines::unsupported", anonymous=True) from error
    data = _text(parameters.get("value", ""), "data").encode()
    if isinstance(key, rsa.RSAPrivateKey):
        signature = await compute(key.sign, data, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        signature = await compute(key.sign, data, ec.ECDSA(algorithm))
    else:
        raise NodeError("The Crypto node signs with RSA and elliptic curve keys only.")
    return _encode_digest(signature, parameters.get("encoding", "hex"))


def _encode_digest(digest: bytes, encoding: Any) -> str | dict[str, Any]:
    """The digest as text, or as the JSON of a Buffer where Node.js has no such encoding."""
    write = ENCODINGS.get(encoding.lower()) if isinstance(encoding, str) else None
    return {"type": "Buffer", "data": list(digest)} if write is None else write(digest)


def _random(parameters: dict[str, Any], index: int) -> str:
    kind = parameters.get("encodingType", "uuid")
    if kind == "uuid":
        return str(uuid.uuid4())
    asked = parameters.get("stringLength", 32)
    if asked is None or isinstance(asked, Undefined):
        raise NodeError(f'The "size" argument must be of type number. Received {received(asked)}', anonymous=True)
    length = conversions.to_number(asked)
    if length < 0:
        size = f"It must be >= 0 && <= 2147483647. Received {conversions.to_string(length)}"
        raise NodeError(f'The value of "size" is out of range. {size}', anonymous=True)
    if not 0 <= length <= MAX_RANDOM_LENGTH:
        raise NodeError(f"The length of a random value must be between 0 and {MAX_RANDOM_LENGTH}.", item_index=index)
    count = int(length)
    if kind == "ascii":
        return secrets.token_hex(count)[:count]
    if kind == "hex":
        return secrets.token_hex(count // 2) if count % 2 == 0 else secrets.token_hex(count)[:count]
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(count)).decode().replace("=", "")[:count]
    raise NodeError(f"The Crypto node has no encoding '{kind}'.", item_index=index)


def _null_for_undefined(name: str, value: Any) -> Any:
    """Only some parameters tell undefined from null."""
    return None if isinstance(value, Undefined) and name not in ("value", "secret", "stringLength") else value


def _text(value: Any, argument: str) -> str:
    if isinstance(value, str):
        return value
    said = f'The "{argument}" argument must be of type string or an instance of {KINDS[argument]}. '
    raise NodeError(f"{said}Received {received(value)}", anonymous=True)
