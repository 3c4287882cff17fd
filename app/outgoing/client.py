"""Outgoing HTTP: the one client of a worker, which reaches only what the address rules allow.

The check stands where connections are made (app.outgoing.connections), so it holds for every redirect, too. Knows
nothing of nodes.
"""

import asyncio
import http.cookiejar
import importlib
import io
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from app.outgoing.addresses import AddressRules
from app.outgoing.bounds import MAX_RESPONSE_BYTES, ResponseTooLarge
from app.outgoing.calls import Answer, Call, RedirectFailed, RequestTimedOut, SecretRefused, TooManyRedirects
from app.outgoing.certificates import tls_context
from app.outgoing.framing import says_where_it_ends
from app.outgoing.header_parameters import charset_in

if TYPE_CHECKING:
    import httpx

CREDENTIAL_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
# What is decoded. A packet of zstd, or of gzip within gzip, can hold gigabytes, and httpx unpacks a packet at once.
DECODED = frozenset({"gzip", "deflate"})
OWN_HEADERS = {"user-agent": "n8n", "accept-encoding": "gzip, deflate"}

_loaded = False


class Outgoing:
    """HTTP for workflows; an asynchronous context manager. Keeps connections, but no cookies."""

    def __init__(self, rules: AddressRules, *, largest_response: int = MAX_RESPONSE_BYTES) -> None:
        self.rules = rules
        self._largest = largest_response
        self._clients: dict[bool, httpx.AsyncClient] = {}

    def within(self, project_id: str) -> "Outgoing":
        """The same for the workflows of one project: it shares no connection with others."""
        view = self._copy()
        view.rules = self.rules.within(project_id)
        return view

    def at_most(self, largest_response: int) -> "Outgoing":
        """The same for answers of at most so many bytes."""
        view = self._copy()
        view._largest = min(self._largest, largest_response)
        return view

    def _copy(self) -> "Outgoing":
        """As copy.copy in a fraction of its time: each execution has one of its own."""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        return view

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

        Raises AddressRefused, UnknownHost, InvalidProxy, InvalidCertificate, SecretRefused, RequestTimedOut,
        TooManyRedirects, ResponseTooLarge, and of httpcore and httpx what app.outgoing.failures names.
        """
        from httpcore import LocalProtocolError

        try:
            async with asyncio.timeout(call.timeout):
                if call.proxy is None and call.certificate is None:
                    return await self._send_following(call, self._client(call.verify))
                async with await self._own_client(call) as client:
                    return await self._send_following(call, client)
        except TimeoutError as error:
            raise RequestTimedOut(f"timeout of {call.timeout * 1000:.10g}ms exceeded") from error
        except LocalProtocolError as error:
            if "header value" not in str(error):
                raise
            # The library quotes the value, which may be a token.
            raise LocalProtocolError("Invalid character in header content") from None
        except UnicodeError as error:
            if isinstance(error, UnicodeEncodeError):
                raise  # of a header, which is the caller's to say
            from httpx import InvalidURL

            raise InvalidURL(f"Invalid URL: {error}") from error  # of a name that begins like an encoded one

    async def _send_following(self, call: Call, client: "httpx.AsyncClient") -> Answer:
        request, auth, redirects = self._first_request(call, client), call.auth, 0
        while True:
            response = await client.send(request, stream=True, auth=auth, follow_redirects=False)
            try:
                if response.next_request is None or call.max_redirects == 0:
                    return await self._read(response, call.receive)
                redirects += 1
                if redirects > call.max_redirects:
                    raise TooManyRedirects("Maximum number of redirects exceeded")
            finally:
                await response.aclose()
            if not _carry_over(call, request, response.next_request):
                auth = None
            request = response.next_request

    def _first_request(self, call: Call, client: "httpx.AsyncClient") -> "httpx.Request":
        from app.outgoing.connections import PROJECT

        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in call.headers
            if not says_where_it_ends(name, value)
        ]
        extensions = {PROJECT: self.rules.project}
        request = client.build_request(
            call.method, call.url, headers=headers, content=call.content or None, extensions=extensions
        )
        if call.secret_domains is not None:
            for host in request.headers.get_list("host"):
                call.require_host(host, request.url)
        return request

    async def _read(self, response: "httpx.Response", receive: Callable[[int], None]) -> Answer:
        headers: dict[str, Any] = _joined(response.headers.multi_items())
        codings = response.headers.get("content-encoding", "").strip().lower()
        if codings not in DECODED:
            response.headers.pop("content-encoding", None)  # httpx would decode it
        content = io.BytesIO()
        async for part in response.aiter_bytes():
            if content.tell() + len(part) > self._largest:
                raise ResponseTooLarge(f"The response is larger than {self._largest} bytes")
            receive(len(part))
            content.write(part)
        cookies = response.headers.get_list("set-cookie")
        if cookies:
            headers["set-cookie"] = cookies
        return Answer(
            response.status_code,
            response.reason_phrase,
            headers,
            content.getvalue(),
            str(response.url),
            charset_in(response.headers.get("content-type", "")),
        )

    def _client(self, verify: bool) -> "httpx.AsyncClient":
        if verify not in self._clients:
            from app.outgoing.connections import Connections  # with httpx: nothing has gone out before

            self._clients[verify] = _client_over(Connections(self.rules, tls_context(verify=verify)))
        return self._clients[verify]

    async def _own_client(self, call: Call) -> "httpx.AsyncClient":
        """A client for one call: a proxy's connections, and what a certificate opens, are not for others."""
        from app.outgoing.connections import Connections
        from app.outgoing.proxies import Proxied, proxy_of

        proxy = None if call.proxy is None else proxy_of(call.proxy)
        if proxy is not None and not call.may_take_secrets(proxy.url.host):
            raise SecretRefused(f"This credential must not be sent by way of the proxy '{proxy.url.host}'")
        context = await asyncio.to_thread(tls_context, call.certificate, verify=call.verify)
        return _client_over(Connections(self.rules, context) if proxy is None else Proxied(self.rules, proxy, context))


async def load_client() -> None:
    """Load the libraries that send, beside the loop: nothing may have been sent yet."""
    global _loaded
    if not _loaded:
        await asyncio.to_thread(importlib.import_module, "app.outgoing.authentication")
        await asyncio.to_thread(importlib.import_module, "app.outgoing.connections")
        _loaded = True


def _client_over(transport: "httpx.AsyncBaseTransport") -> "httpx.AsyncClient":
    import httpx

    jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    client = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False, cookies=jar, headers=OWN_HEADERS)
    del client.headers["accept"]  # httpx's own would stand in for one that a workflow takes away
    return client


def _carry_over(call: Call, request: "httpx.Request", following: "httpx.Request") -> bool:
    """Give the request that a redirect asks for what it may have of the one before; False: none of the secrets.

    Raises RedirectFailed and SecretRefused.
    """
    if following.url.scheme not in ("http", "https"):
        raise RedirectFailed(f"Redirected request failed: Unsupported protocol {following.url.scheme}:")
    if following.method != request.method:
        following.headers.pop("content-type", None)
    if "cookie" in request.headers:  # which httpx drops even where it may stay
        following.headers["cookie"] = request.headers["cookie"]
    shared = call.share_secrets or _origin(following.url) == _origin(request.url)
    if shared and call.may_take_secrets(following.url.host):
        return True
    if call.secret_body and following.headers.get("content-length", "0") != "0":
        raise SecretRefused(f"The redirect to '{following.url.host}' would take the credential there")
    for name in call.secret_headers | CREDENTIAL_HEADERS:
        following.headers.pop(name, None)
    return False


def _joined(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by name. httpx's own mapping looks through all of them for each one."""
    values: dict[str, list[str]] = {}
    for name, value in lines:
        values.setdefault(name, []).append(value)
    return {name: ", ".join(each) for name, each in values.items()}


def _origin(url: "httpx.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
