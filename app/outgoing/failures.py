"""All that a request can fail with on its way out, of this room and of the libraries below it."""

import ssl

import httpcore
import httpx

from app.outgoing.addresses import AddressRefused, UnknownHost
from app.outgoing.certificates import InvalidCertificate
from app.outgoing.client import RequestTimedOut, ResponseTooLarge, SecretRefused, TooManyRedirects
from app.outgoing.proxies import InvalidProxy

NETWORK_FAILURES = (
    AddressRefused,
    UnknownHost,
    RequestTimedOut,
    TooManyRedirects,
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
)
