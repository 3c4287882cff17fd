"""A request, its answer, and the errors that sending it can raise.

Knows no connection: app.outgoing.client sends them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.outgoing.certificates import Certificate
from app.outgoing.charsets import decode

if TYPE_CHECKING:
    import httpx

MAX_SECONDS = 300.0
MAX_REDIRECTS = 21
"""So many are followed where nobody says how many."""


class SecretRefused(Exception):
    """A request, or a redirect with its body, would take a credential where it must not be sent."""


class RequestTimedOut(Exception):
    """The whole of a request, redirects included, took longer than it may."""


class TooManyRedirects(Exception):
    """A request was redirected more often than it may be."""


class RedirectFailed(Exception):
    """A request was redirected to what is no web address."""


@dataclass(slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    reason: str
    headers: dict[str, Any]
    """By lower-case name; a list where `set-cookie` came more than once."""
    content: bytes
    url: str
    charset: str | None = None
    """What its header says that the text is written in."""

    def text(self) -> str:
        """The body decoded by its charset; what cannot be decoded is replaced."""
        return decode(self.content, self.charset)


@dataclass(frozen=True, slots=True)
class Call:
    """A request, ready to send, with headers in Latin-1. What is secret goes to another origin only when
    `share_secrets` says so.

    `secret_domains` (None: any) are the hosts that it may ever be sent to, redirects included; `*.example.com` are
    those below one.
    """

    method: str
    url: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    secret_headers: frozenset[str] = frozenset()
    secret_body: bool = False
    secret_domains: tuple[str, ...] | None = None
    share_secrets: bool = False
    auth: "httpx.Auth | None" = None
    timeout: float = MAX_SECONDS
    max_redirects: int = MAX_REDIRECTS
    """0: redirects are answers."""
    verify: bool = True
    proxy: str | None = None
    """By way of which proxy: http://user:password@host:port."""
    certificate: Certificate | None = None
    receive: Callable[[int], None] = lambda size: None
    """Hears of the bytes of an answer as they come; what it raises ends the request."""

    def may_take_secrets(self, host: str) -> bool:
        """Whether the secrets may ever be sent there."""
        return self.secret_domains is None or any(matches(host, domain) for domain in self.secret_domains)

    def require_host(self, header: str, url: "httpx.URL") -> None:
        """Who answers for many sites at one address goes by this header. Raises SecretRefused."""
        host, _, port = header.strip().rpartition(":")
        named = host if host and port.isdecimal() else header.strip()
        is_own = named.strip("[]") == url.raw_host.decode()  # which is in ASCII, a domain in any letters
        if not self.may_take_secrets(url.host if is_own else named):
            raise SecretRefused(f"This credential must not be sent to the host '{header[:100]}'")


def matches(host: str, domain: str) -> bool:
    """Whether a host is the domain, or below it when that is given as `*.example.com`."""
    host = host.lower().rstrip(".")
    return host.endswith(domain[1:]) if domain.startswith("*.") else host == domain
