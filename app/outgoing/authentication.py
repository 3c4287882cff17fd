"""How requests are proved with tokens: a bearer's, which may be renewed, or a signature of OAuth 1.

httpx asks these for every request that it sends, redirects included; app.outgoing.client takes them away from one that
goes to another origin. Knows no credentials.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from authlib.oauth1.rfc5849.client_auth import ClientAuth, generate_nonce, generate_timestamp
from authlib.oauth1.rfc5849.parameters import prepare_headers
from authlib.oauth1.rfc5849.signature import normalize_base_string_uri

FORM = "application/x-www-form-urlencoded"
NO_FORM = re.compile(rb"""\A[\[{]|[^!-~]|["<>\\^`{|}]""")
"""What no form holds: it is not signed then."""
DIGESTS: dict[str, Any] = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256, "HMAC-SHA512": hashlib.sha512}
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
        """Called by httpx: the request with the newest token in its headers."""
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
        """Raises ValueError for a method that is not in DIGESTS."""
        if method not in DIGESTS:
            raise ValueError(f"The signature method '{method[:50]}' is not supported; it can be {', '.join(DIGESTS)}")
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
        """Called by httpx: the request with its `Authorization`; the fields of a form are signed, too."""
        is_form = request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == FORM
        fields = form_fields(request.content) if is_form else []
        request.headers["Authorization"] = self._client.authorization(request.method, str(request.url), fields)
        yield request


class _Client(ClientAuth):  # type: ignore[misc]
    """Authlib's, which signs what servers make of any query, for http as for https, and by more methods."""

    def authorization(self, method: str, url: str, fields: list[tuple[str, str]]) -> str:
        """The header for a request with these fields in its body."""
        own = self.get_oauth_params(generate_nonce(), str(generate_timestamp()))
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="surrogateescape")
        pairs = sorted((_escape(name), _escape(value)) for name, value in [*own, *query, *fields])
        parameters = "&".join("=".join(pair) for pair in pairs)
        base = "&".join(map(_escape, (method, normalize_base_string_uri(url), parameters)))
        key = f"{_escape(self.client_secret or '')}&{_escape(self.token_secret or '')}"
        made = hmac.new(key.encode(), base.encode(), DIGESTS[self.signature_method]).digest()
        headers: dict[str, str] = prepare_headers([*own, ("oauth_signature", b64encode(made).decode())])
        return headers["Authorization"]


def form_fields(content: bytes) -> list[tuple[str, str]]:
    """The fields of a form; none of what only calls itself one."""
    if NO_FORM.search(content):
        return []
    return parse_qsl(content.decode("ascii"), keep_blank_values=True, errors="surrogateescape")


def _escape(text: str) -> str:
    return quote(text, safe="~", errors="surrogateescape")
