"""The connections of the outgoing HTTP client: made to checked addresses only, and kept for a while after use.

Stands in for httpcore's own pool, whose cost for each request grows with the square of the connections it holds.
"""

import asyncio
import ssl
from collections import OrderedDict, deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from time import thread_time
from typing import Any

import httpcore
import httpx

from app.outgoing.addresses import AddressRules
from app.outgoing.bounds import MAX_HEAD_BYTES, MAX_HEADS_BYTES, MAX_RESPONSE_BYTES, ResponseTooLarge

IDLE_SECONDS = 10.0
MAX_IDLE = 100
"""How many connections wait for another request; of more, those that nobody used for longest are closed."""

LEAST_BYTES = 8 * 2**10
"""What is handed on at once, and twice as much each time that this was read within QUICK_SECONDS of CPU time."""
QUICK_SECONDS = 0.002
HEADER_BYTES = 4
"""What a line of an answer takes beside its header."""

PROJECT = "project"
"""The extension of a request that names the project of its workflow."""
Origin = tuple[str, bytes, bytes, int]
"""A project and an origin: what one project says over a connection cannot reach what another gets."""


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Makes connections to checked addresses only."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address of the host that takes one.

        Raises AddressRefused or UnknownHost before anything is sent, httpcore.ConnectError when no address answers.
        """
        addresses = await self._rules.resolve(host, port)
        last: httpcore.ConnectError | None = None
        for address in addresses:
            try:
                made = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
                return PacedStream(made)
            except httpcore.ConnectError as error:
                last = error
        raise last or httpcore.ConnectError(f"No address for {host}")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Always raises httpcore.ConnectError: no workflow may reach a socket of this machine."""
        raise httpcore.ConnectError("Unix sockets are out of reach")

    async def sleep(self, seconds: float) -> None:
        """Called by httpcore between two attempts."""
        await asyncio.sleep(seconds)


class PacedStream(httpcore.AsyncNetworkStream):
    """Hands on little at once where it takes long to read: what has come may be thousands of chunks or of early
    answers, and all of it is read before the loop turns again.

    Raises ResponseTooLarge for too much before a response."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._piece = LEAST_BYTES
        self._handed_on = 0.0
        self._heads_room = MAX_HEADS_BYTES
        self._in_body = False

    def expect_body(self) -> None:
        """The response has begun: what comes until the next request is no head."""
        self._in_body = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`, empty at the end. Raises ResponseTooLarge."""
        if self._heads_room < 0 and not self._in_body:
            raise ResponseTooLarge(f"There are more than {MAX_HEADS_BYTES} bytes of headers before the response")
        took = thread_time() - self._handed_on
        self._piece = min(2 * self._piece, max_bytes) if took < QUICK_SECONDS else LEAST_BYTES
        data = await self._inner.read(min(self._piece, max_bytes), timeout)
        self._handed_on = thread_time()
        self._heads_room -= len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it; what is read next counts as the heads of a new response."""
        self._heads_room, self._in_body = MAX_HEADS_BYTES, False
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted, and paced likewise."""
        return PacedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a stream, as `ssl_object`; None where there is no such thing."""
        return self._inner.get_extra_info(info)


class Connections(httpx.AsyncBaseTransport):
    """An httpx transport; its exceptions are httpcore's."""

    def __init__(self, rules: AddressRules, context: ssl.SSLContext) -> None:
        self._rules = rules
        self._context = context
        self._idle: dict[Origin, deque[httpcore.AsyncHTTPConnection]] = {}
        self._order: OrderedDict[httpcore.AsyncHTTPConnection, Origin] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response with its head read; closing its body gives the connection back.

        Raises AddressRefused, UnknownHost, httpcore's exceptions, and ResponseTooLarge for a head that is too large.
        """
        if request.url.scheme not in ("http", "https"):
            raise httpcore.UnsupportedProtocol(f"Unsupported protocol {request.url.scheme}:")
        sent = core_request(request)
        url = sent.url
        origin = (str(request.extensions.get(PROJECT, "")), url.origin.scheme, url.origin.host, url.origin.port)
        connection = await self._take(origin, url)
        try:
            response = await connection.handle_async_request(sent)
            check_head(response)
        except BaseException:
            await connection.aclose()
            raise
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=PooledBody(response, connection, origin, self),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the connections that nobody uses."""
        while self._order:
            await self._close_oldest()

    async def _take(self, origin: Origin, url: httpcore.URL) -> httpcore.AsyncHTTPConnection:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            del self._order[connection]
            if connection.is_idle() and not connection.has_expired():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(
            url.origin,
            ssl_context=self._context,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=GuardedBackend(self._rules.within(origin[0])),
        )

    async def give_back(self, connection: httpcore.AsyncHTTPConnection, origin: Origin) -> None:
        """Keep a connection whose response is at its end for another request; close any other."""
        if not connection.is_idle() or connection.has_expired():
            await connection.aclose()
            return
        self._idle.setdefault(origin, deque()).append(connection)
        self._order[connection] = origin
        if len(self._order) > MAX_IDLE:
            await self._close_oldest()

    async def _close_oldest(self) -> None:
        connection, origin = self._order.popitem(last=False)
        idle = self._idle[origin]
        idle.remove(connection)
        if not idle:
            del self._idle[origin]
        await connection.aclose()


def core_request(request: httpx.Request) -> httpcore.Request:
    """The request as the library below knows it."""
    assert isinstance(request.stream, AsyncIterable)
    url = httpcore.URL(
        scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
    )
    return httpcore.Request(
        request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
    )


def check_head(response: httpcore.Response) -> None:
    """Let the body come. Raises ResponseTooLarge for more headers than anybody needs: each costs time wherever it is
    read."""
    if sum([len(name) + len(value) + HEADER_BYTES for name, value in response.headers]) > MAX_HEAD_BYTES:
        raise ResponseTooLarge(f"The headers of the response are larger than {MAX_HEAD_BYTES} bytes")
    stream = response.extensions.get("network_stream")
    if isinstance(stream, PacedStream):
        stream.expect_body()


class ResponseBody(httpx.AsyncByteStream):
    """A response's body, part by part as it comes. Raises ResponseTooLarge, whatever it unpacks to."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = MAX_RESPONSE_BYTES
        async for part in self._response.aiter_stream():
            room -= len(part)
            if room < 0:
                raise ResponseTooLarge(f"The response is larger than {MAX_RESPONSE_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        """Close the response, read to its end or not."""
        await self._response.aclose()


class PooledBody(ResponseBody):
    """One whose end frees the connection."""

    def __init__(
        self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection, origin: Origin, owner: Connections
    ) -> None:
        super().__init__(response)
        self._connection = connection
        self._origin = origin
        self._owner = owner

    async def aclose(self) -> None:
        """Close the response and give its connection back; what was not read to its end is not kept."""
        await super().aclose()
        await self._owner.give_back(self._connection, self._origin)
