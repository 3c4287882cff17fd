"""Google's service accounts (n8n's type googleApi): an access token for an assertion that the account has signed.

RFC 7523, as Google asks for it. Sends nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.credentials.oauth_errors import NotUsable
from app.credentials.provider import SECONDS, form
from app.outgoing.calls import Call
from app.private_keys import PrivateKeys, UnusableKey

TOKEN_URL = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_SECONDS = 3600
"""Of an assertion: the longest that Google takes."""
MAX_KEY_LENGTH = 4_000
"""Characters; Google's keys have 2,048 bits and some 1,700 of them."""


async def token_call(data: Mapping[str, Any], now: datetime) -> Call:
    """Asks for a token of the account, or of whom it acts for. Raises NotUsable."""
    fields = {"grant_type": GRANT, "assertion": await assertion(data, now)}
    headers = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")]
    content = form(fields).encode()
    return Call("POST", TOKEN_URL, headers, content, secret_body=True, timeout=SECONDS, max_redirects=0)


async def assertion(data: Mapping[str, Any], now: datetime) -> str:
    """What the account says of itself. Raises NotUsable."""
    if not data.get("httpNode"):
        raise NotUsable("To use the account in HTTP Request, set the credential's httpNode to true and name its scopes")
    import jwt  # here: few credentials are such accounts

    account = str(data.get("email") or "").strip()
    scopes = str(data.get("scopes") or "").replace(",", " ").split()
    if not account or not scopes:
        raise NotUsable("The credential needs the account's email and scopes")
    acts_for = str(data.get("delegatedEmail") or "").strip() if data.get("inpersonate") else ""
    at = int(now.timestamp())
    claims = {
        "iss": account,
        "sub": acts_for or account,
        "scope": " ".join(scopes),
        "aud": TOKEN_URL,
        "iat": at,
        "exp": at + LIFE_SECONDS,
    }
    text = str(data.get("privateKey") or "")
    try:
        if len(text) > MAX_KEY_LENGTH:
            raise UnusableKey
        return jwt.encode(claims, await PrivateKeys().load(text), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise NotUsable("The credential's privateKey is not an RSA key in PEM") from None
