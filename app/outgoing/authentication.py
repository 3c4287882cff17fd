"""How requests are proved with tokens: a bearer's, which may be renewed, or a signature of OAuth 1.

httpx asks these for every request that it sends, redirects included; app.outgoing.client takes them away from one that
goes to another origin. Knows no credentials.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, ClassVar

import httpx
from authlib.oauth1.rfc5849.client_auth import ClientAuth
from authlib.oauth1.rfc5849.signature import generate_signature_base_string
from authlib.oauth1.rfc5849.util import escape

FORM = "application/x-www-form-urlencoded"
Renew = Callable[[str], Awaitable[str]]
"""Gets another token in the place of the one that was refused. Raises what tells why there is none."""


class RenewableToken(httpx.Auth):
    """Puts a token into headers, as `{token}` in their texts; the newest one that it knows."""

    def __init__(self, token: str, headers: Mapping[str, str], *, expired_status: int, renew: Renew | None) -> None:
        self.token = token
        self._headers = headers
        self._expired_status = expired_status
        self._renew = renew

    @property
    def header_names(self) -> frozenset[str]:
        """In lower case."""
        return frozenset(name.lower() for name in self._headers)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for name, text in self._headers.items():
            request.headers[name] = text.replace("{token}", self.token)
        yield request

    async def renewed(self, status: int, token: str) -> bool:
        """Whether a request that was answered with `status` is to be sent again: `token`, which it was sent with, is
        not the newest one any more, or was renewed now. Raises what `renew` raises."""
        if status != self._expired_status or self._renew is None:
            return False
        if self.token == token:
            self.token = await self._renew(token)
        return True


class Signature(httpx.Auth):
    """Signs requests by OAuth 1 (RFC 5849), also where there is no token yet."""

    requires_request_body = True

    def __init__(
        self,
        consumer_key: str,
        consumer_secret: str,
        *,
        token: str = "",
        token_secret: str = "",
        method: str = "HMAC-SHA1",
        callback: str = "",
        verifier: str = "",
    ) -> None:
        """Raises ValueError for a method that is not in METHODS."""
        if method not in METHODS:
            raise ValueError(f"The signature method '{method[:50]}' is not supported; it can be {', '.join(METHODS)}")
        self._client = _Client(
            consumer_key,
            client_secret=consumer_secret,
            token=token or None,
            token_secret=token_secret,
            redirect_uri=callback or None,
            verifier=verifier or None,
            signature_method=method,
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # What is no form is not signed; neither is what only calls itself one.
        is_form = request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == FORM
        body = request.content if is_form else b""
        try:
            signed = self._sign(request, body)
        except ValueError:
            signed = self._sign(request, b"")
        request.headers["Authorization"] = signed
        yield request

    def _sign(self, request: httpx.Request, body: bytes) -> str:
        headers = {"Content-Type": FORM} if body else {}
        signed: dict[str, str]
        _, signed, _ = self._client.prepare(request.method, str(request.url), headers, body)
        return signed["Authorization"]


def _signer(digest: Any) -> Callable[[Any, Any], str]:
    def sign(client: Any, request: Any) -> str:
        key = f"{escape(client.client_secret or '')}&{escape(client.token_secret or '')}".encode()
        text = generate_signature_base_string(request).encode()
        return b64encode(hmac.new(key, text, digest).digest()).decode()

    return sign


class _Client(ClientAuth):  # type: ignore[misc]
    """Authlib's, with the methods that it does not know."""

    SIGNATURE_METHODS: ClassVar[dict[str, Callable[[Any, Any], str]]] = {
        "HMAC-SHA1": _signer(hashlib.sha1),
        "HMAC-SHA256": _signer(hashlib.sha256),
        "HMAC-SHA512": _signer(hashlib.sha512),
    }


METHODS = tuple(_Client.SIGNATURE_METHODS)
