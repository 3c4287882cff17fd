"""The headers of a workflow's answer: which reach its caller, and which are this server's own.

All that a workflow answers comes from the origin of this API. What would speak for that origin, for the connection or
to a proxy in front is left out; whatever else may be a header is passed on.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.urls import iri_to_uri

from app.http_rules import is_header_name

PAGE_POLICY = "sandbox allow-forms allow-scripts"
"""A page that a workflow answers with may run, but never as one of this server's origin."""

CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    }
)
"""What says where an answer ends, what becomes of the connection, and who has answered."""

ORIGIN = frozenset(
    {
        "accept-ch",
        "accept-ch-lifetime",
        "ad-auction-signals",
        "alt-svc",
        "attribution-reporting-register-source",
        "attribution-reporting-register-trigger",
        "clear-site-data",
        "content-security-policy",
        "content-security-policy-report-only",
        "critical-ch",
        "expect-ct",
        "nel",
        "observe-browsing-topics",
        "origin-agent-cluster",
        "origin-isolation",
        "origin-policy",
        "public-key-pins",
        "public-key-pins-report-only",
        "report-to",
        "reporting-endpoints",
        "sec-session-registration",
        "secure-session-registration",
        "service-worker-allowed",
        "set-login",
        "shared-storage-write",
        "strict-transport-security",
        "use-as-dictionary",
        "x-content-type-options",
    }
)
"""What a browser takes for the word of the whole origin, or what protects that origin."""

TO_PROXIES = frozenset(
    {"edge-control", "fly-replay", "surrogate-control", "x-archive-files", "x-esi", "x-sendfile", "x-sendfile2"}
)
"""What tells a proxy to answer with something else than it was sent, or whom to send requests to."""

FAMILIES_TO_PROXIES = (
    "fly-replay-",
    "x-accel-",
    "x-appengine-",
    "x-envoy-",
    "x-lighttpd-",
    "x-litespeed-",
    "x-middleware-",
    "x-reproxy-",
    "x-sendfile-",
)
"""Beginnings of the names of such headers, each up to a hyphen: of all that one proxy knows."""

ANSWERS_IN_ONE = "x-mixed-replace"
"""A type whose parts are answers: Firefox takes cookies of any path from the headers of each."""

ADDRESSES = ("location", "content-location")

COOKIE_PATH = "/webhook"
"""Cookies of workflows are sent back to webhooks and to nothing else of this origin."""

MAX_HEADERS = 100
MAX_BYTES = 32 * 2**10
"""Many clients and proxies take no more than that."""


class Unsendable(Exception):
    """The answer's headers cannot be sent; the message says why."""


def own_headers(headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The headers that a workflow may give its answer, ready to be sent. Raises Unsendable."""
    size = 0
    if len(headers) > MAX_HEADERS:
        raise Unsendable(f"The workflow's answer has more than {MAX_HEADERS} headers")
    for name, value in headers.items():
        if not is_header_name(name):
            raise Unsendable(f"The workflow's answer has a header whose name cannot be sent: {name[:100]!r}")
        if is_ours(name.lower()):
            continue
        text = header_text(address(str(value)) if name.lower() in ADDRESSES else str(value))
        if name.lower() == "content-type" and ANSWERS_IN_ONE in text.lower():
            continue
        if name.lower() == "set-cookie":
            text = confined_cookie(text)
        size += len(name) + len(text)
        if size > MAX_BYTES:
            raise Unsendable(f"The headers of the workflow's answer are longer than {MAX_BYTES} bytes")
        yield name, text


def address(text: str) -> str:
    """An address in the characters that one may have. Raises Unsendable."""
    try:
        return iri_to_uri(text)
    except ValueError:
        raise Unsendable(f"The workflow's answer leads to an invalid address: {text[:100]!r}") from None


def is_ours(name: str) -> bool:
    """Whether a header, in lower case, is for this server alone to say."""
    return name in CONNECTION or name in ORIGIN or name in TO_PROXIES or name.startswith(FAMILIES_TO_PROXIES)


def header_text(value: str) -> str:
    """A value of which none can end its line; what is not Latin-1 goes as UTF-8."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        value = value.encode("utf-8", "replace").decode("latin-1")
    return "".join(c if c == "\t" or " " <= c != "\x7f" else " " for c in value).strip()


def confined_cookie(text: str) -> str:
    """A cookie that goes to no other host, and on this one to webhooks only."""
    parts = [part.strip() for part in text.split(";")]
    attributes = [part for part in parts[1:] if part.partition("=")[0].strip().lower() not in ("domain", "path")]
    return "; ".join([parts[0], *attributes, f"Path={COOKIE_PATH}"])
