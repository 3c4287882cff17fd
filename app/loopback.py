"""Calls from this machine to itself: never by way of the proxy that the environment names for the world outside."""

import urllib.request
from http.client import HTTPResponse
from typing import cast

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def open_url(request: urllib.request.Request | str, *, timeout: float) -> HTTPResponse:
    """The answer to a call; `timeout` in seconds. Raises urllib.error.HTTPError for 4xx and 5xx, and OSError."""
    return cast(HTTPResponse, _opener.open(request, timeout=timeout))
