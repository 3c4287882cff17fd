"""JSON web tokens that a workflow gives out, signed with a jwtAuth credential."""

import time
import warnings
from typing import Any

from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.json_texts import parse_json
from app.engine.values import conversions
from app.engine.values.conversions import CannotConvert
from app.private_keys import PrivateKeys, UnusableKey

NO_KEY = "secretOrPrivateKey must have a value"
SLOW = 1_000_000
"""As many items as signing with a private key is counted as, so that a thread does it."""


async def signed_token(context: NodeContext) -> str:
    """What the parameter `payload` holds, and when it was signed, as a token. Raises NodeError."""
    payload = await _payload(context)
    credential = await context.credential("jwtAuth")
    algorithm = str(credential.get("algorithm") or "HS256")
    name = "privateKey" if credential.get("keyType", "passphrase") == "pemKey" else "secret"
    text = str(credential.get(name) or "")
    if not text and algorithm != "none":
        raise NodeError(NO_KEY, anonymous=True)
    key = await _key(text, algorithm)
    return await compute(_sign, {"iat": int(time.time()), **payload}, key, algorithm, size=SLOW)


async def _key(text: str, algorithm: str) -> Any:
    """What this algorithm signs with. Raises NodeError."""
    if algorithm == "none":
        return ""
    if algorithm.startswith("HS"):
        return text
    try:
        return await PrivateKeys().load(text)
    except UnusableKey as error:
        raise NodeError(f"The token cannot be signed: {error}", anonymous=True) from None


async def _payload(context: NodeContext) -> dict[str, Any]:
    given = await context.resolve_first(context.parameters.get("payload", "{}"), parameter="payload")
    try:
        payload = await parse_json(context, given) if isinstance(given, str) else given
    except CannotConvert:
        payload = None
    if not isinstance(payload, dict):
        raise NodeError(
            "Invalid input for 'payload' [item 0]",
            description=f"'payload' expects a object but we got '{conversions.display(given)[:1000]}'",
            item_index=0,
        )
    return payload


def _sign(payload: dict[str, Any], key: Any, algorithm: str) -> str:
    import jwt  # here: few workflows sign tokens

    try:
        # That a key is short is the business of whoever has chosen it.
        with warnings.catch_warnings(action="ignore"):
            return jwt.encode(payload, key, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise NodeError(f"The token cannot be signed: {error}", anonymous=True) from None
