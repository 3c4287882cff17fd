"""Outgoing HTTP: the one client of a worker, which reaches only what the address rules allow.

The check stands where connections are made (app.outgoing.connections), so it holds for every redirect, too. Knows
nothing of nodes.
"""

import asyncio
import http.cookiejar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx

from app.outgoing.addresses import AddressRules
from app.outgoing.certificates import Certificate, tls_context
from app.outgoing.connections import Connections
from app.outgoing.proxies import Proxied, proxy_of

LARGEST_RESPONSE = 64 * 2**20
LONGEST_SECONDS = 300.0
CREDENTIAL_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
# What is decoded. A packet of zstd, or of gzip within gzip, can hold gigabytes, and httpx unpacks a packet at once.
DECODED = frozenset({"gzip", "deflate"})
OWN_HEADERS = {"user-agent": "n8n", "accept-encoding": "gzip, deflate"}


class ResponseTooLarge(Exception):
    """A response went on beyond the limit."""


class RequestTimedOut(Exception):
    """The whole of a request, redirects included, took longer than it may."""


class TooManyRedirects(Exception):
    """A request was redirected more often than it may be."""


@dataclass(slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    reason: str
    headers: dict[str, Any]
    """By lower-case name; a list where `set-cookie` came more than once."""
    content: bytes
    url: str
    encoding: str = "utf-8"

    def text(self) -> str:
        try:
            return self.content.decode(self.encoding, "replace").removeprefix("\ufeff")
        except LookupError:
            return self.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Call:
    """A request, ready to send. `secret_headers` go to another origin only when `share_secrets` says so."""

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    secret_headers: frozenset[str] = frozenset()
    share_secrets: bool = False
    auth: httpx.Auth | None = None
    timeout: float = LONGEST_SECONDS
    max_redirects: int = 21
    """0: redirects are answers."""
    verify: bool = True
    proxy: str | None = None
    """By way of which proxy: http://user:password@host:port."""
    certificate: Certificate | None = None


class Outgoing:
    """HTTP for workflows; an asynchronous context manager. Keeps connections, but no cookies."""

    def __init__(self, rules: AddressRules, *, largest_response: int = LARGEST_RESPONSE) -> None:
        self.rules = rules
        self._largest = largest_response
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def __aenter__(self) -> "Outgoing":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def send(self, call: Call) -> Answer:
        """Send a request and read its answer.

        Raises AddressRefused, UnknownHost, InvalidProxy, InvalidCertificate, RequestTimedOut, TooManyRedirects,
        ResponseTooLarge, and of httpcore and httpx what app.outgoing.failures names.
        """
        try:
            async with asyncio.timeout(call.timeout):
                if call.proxy is None and call.certificate is None:
                    return await self._follow(call, self._client(call.verify))
                async with await self._own_client(call) as client:
                    return await self._follow(call, client)
        except TimeoutError as error:
            raise RequestTimedOut(f"timeout of {round(call.timeout * 1000)}ms exceeded") from error

    async def _follow(self, call: Call, client: httpx.AsyncClient) -> Answer:
        request = client.build_request(call.method, call.url, headers=call.headers, content=call.content or None)
        auth, secrets, redirects = call.auth, call.secret_headers | CREDENTIAL_HEADERS, 0
        while True:
            response = await client.send(request, stream=True, auth=auth, follow_redirects=False)
            try:
                if response.next_request is None or call.max_redirects == 0:
                    return await self._read(response)
                redirects += 1
                if redirects > call.max_redirects:
                    raise TooManyRedirects("Maximum number of redirects exceeded")
            finally:
                await response.aclose()
            following = response.next_request
            if following.method != request.method:
                following.headers.pop("content-type", None)
            if _origin(following.url) != _origin(request.url) and not call.share_secrets:
                auth = None
                for name in secrets:
                    following.headers.pop(name, None)
            request = following

    async def _read(self, response: httpx.Response) -> Answer:
        headers: dict[str, Any] = dict(response.headers)
        codings = response.headers.get("content-encoding", "").strip().lower()
        if codings not in DECODED:
            response.headers.pop("content-encoding", None)  # httpx would decode it
        parts, size = [], 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._largest:
                raise ResponseTooLarge(f"The response is larger than {self._largest} bytes")
            parts.append(part)
        cookies = response.headers.get_list("set-cookie")
        if cookies:
            headers["set-cookie"] = cookies
        return Answer(
            response.status_code,
            response.reason_phrase,
            headers,
            b"".join(parts),
            str(response.url),
            response.charset_encoding or "utf-8",
        )

    def _client(self, verify: bool) -> httpx.AsyncClient:
        if verify not in self._clients:
            self._clients[verify] = _over(Connections(self.rules, tls_context(verify=verify)))
        return self._clients[verify]

    async def _own_client(self, call: Call) -> httpx.AsyncClient:
        """A client for one call: a proxy's connections, and what a certificate opens, are not for others."""
        proxy = None if call.proxy is None else proxy_of(call.proxy)
        context = await asyncio.to_thread(tls_context, call.certificate, verify=call.verify)
        return _over(Connections(self.rules, context) if proxy is None else Proxied(self.rules, proxy, context))


def _over(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False, cookies=jar, headers=OWN_HEADERS)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
