"""Requests by way of a proxy that the workflow names. Both are checked: the proxy's address and the target's."""

import ssl

import httpcore
import httpx

from app.outgoing.addresses import AddressRules
from app.outgoing.connections import GuardedBackend, ResponseBody, check_head, core_request

PORTS = {"http": 80, "https": 443}


class InvalidProxy(Exception):
    """What a workflow names as its proxy is no address of one."""


def proxy_of(text: str) -> httpx.Proxy:
    """The proxy at `http://user:password@host:port`, of which all but the host may be left out. Raises InvalidProxy."""
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in PORTS or not proxy.url.host:
        raise InvalidProxy("The proxy must be given as http://host:port")
    return proxy


class Proxied(httpx.AsyncBaseTransport):
    """An httpx transport through one proxy; its exceptions are httpcore's.

    A proxy looks names up again for itself. What it reaches beyond that is its owner's business: it stands at an
    address that workflows may call.
    """

    def __init__(self, rules: AddressRules, proxy: httpx.Proxy, context: ssl.SSLContext) -> None:
        self._rules = rules
        address = proxy.url
        self._pool = httpcore.AsyncHTTPProxy(
            proxy_url=httpcore.URL(scheme=address.raw_scheme, host=address.raw_host, port=address.port, target=b"/"),
            proxy_auth=proxy.raw_auth,
            ssl_context=context,
            network_backend=GuardedBackend(rules),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response with its head read. The target's address is checked before the proxy is asked.

        Raises AddressRefused, UnknownHost, httpcore's exceptions, and ResponseTooLarge for a head that is too large.
        """
        if request.url.scheme not in PORTS:
            raise httpcore.UnsupportedProtocol(f"Unsupported protocol {request.url.scheme}:")
        await self._rules.resolve(request.url.host, request.url.port or PORTS[request.url.scheme])
        response = await self._pool.handle_async_request(core_request(request))
        try:
            check_head(response)
        except BaseException:
            await response.aclose()
            raise
        return httpx.Response(
            response.status, headers=response.headers, stream=ResponseBody(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close the connections to the proxy."""
        await self._pool.aclose()
