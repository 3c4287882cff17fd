"""JSON web tokens that a webhook's caller shows: who signed one, and until when it is good. Refuses in n8n's words."""

import warnings
from typing import TYPE_CHECKING, Any

from flask import request

from app.api.face.errors import Refused
from app.private_keys import UnusableKey, public_key

if TYPE_CHECKING:
    from jwt.types import Options

BEARER = "bearer "
UNCHECKED: "Options" = {
    "verify_aud": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
CHALLENGE = {"WWW-Authenticate": 'Basic realm="Webhook"'}


def token_payload(credential: dict[str, Any]) -> dict[str, Any]:
    """What the caller's token says, once it is proved. Raises Refused."""
    header = request.headers.get("Authorization", "")
    token = header[len(BEARER) :].strip() if header.lower().startswith(BEARER) else header.partition(" ")[2].strip()
    if not token:
        raise Refused(401, "No token provided", CHALLENGE, plain=True)
    parts = token.split(".")
    if len(parts) != 3:
        raise Refused(403, "jwt malformed", CHALLENGE, plain=True)
    if not parts[2]:
        raise Refused(403, "jwt signature is required", CHALLENGE, plain=True)
    import jwt  # here: few webhooks ask for tokens

    algorithm = str(credential.get("algorithm") or "HS256")
    try:
        # That a key is short is the business of whoever has chosen it.
        with warnings.catch_warnings(action="ignore"):
            payload: dict[str, Any] = jwt.decode(token, key_of(credential, algorithm), [algorithm], options=UNCHECKED)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Refused(403, reason_of(error), CHALLENGE, plain=True) from None
    return payload


def reason_of(error: Exception) -> str:
    """Why a token is not taken, in n8n's words."""
    import jwt

    reasons: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        (jwt.ExpiredSignatureError, "jwt expired"),
        (jwt.ImmatureSignatureError, "jwt not active"),
        (jwt.InvalidAlgorithmError, "invalid algorithm"),
        (jwt.InvalidSignatureError, "invalid signature"),
        ((jwt.InvalidKeyError, UnusableKey), "invalid key"),
    )
    return next((said for kind, said in reasons if isinstance(error, kind)), "invalid token")


def key_of(credential: dict[str, Any], algorithm: str) -> Any:
    """What the signature is checked with. Raises Refused where the credential holds none: that would let anybody in.
    Raises UnusableKey for what is no key of this algorithm's kind."""
    name = "publicKey" if credential.get("keyType", "passphrase") == "pemKey" else "secret"
    text = str(credential.get(name) or "")
    if not text or algorithm == "none":
        raise Refused(500, "The JWT credential of the webhook has no key to check with")
    return text if algorithm.startswith("HS") else public_key(text)
