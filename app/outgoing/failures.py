"""All exceptions that sending a request can raise, of this package and of the libraries below it."""

import ssl
from functools import cache

from app.outgoing.addresses import AddressRefused, UnknownHost
from app.outgoing.bounds import ResponseTooLarge
from app.outgoing.calls import RedirectFailed, RequestTimedOut, SecretRefused, TooManyRedirects
from app.outgoing.certificates import InvalidCertificate


@cache
def network_failures(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """To be caught, with those that are named besides. Loads the libraries where nothing has been sent yet."""
    import httpcore
    import httpx

    from app.outgoing.proxies import InvalidProxy

    return (
        AddressRefused,
        UnknownHost,
        RequestTimedOut,
        TooManyRedirects,
        RedirectFailed,
        ResponseTooLarge,
        SecretRefused,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        InvalidCertificate,
        InvalidProxy,
        httpcore.TimeoutException,
        httpcore.UnsupportedProtocol,
        ssl.SSLError,
        httpx.HTTPError,
        httpx.InvalidURL,
        *more,
    )
