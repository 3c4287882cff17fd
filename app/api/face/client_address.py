"""Who calls, by address: the connection's other end, or whom a trusted proxy names."""

import ipaddress
from collections.abc import Sequence

from flask import request

from app.api.face.proxies import unwrap
from app.api.face.services import services

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address() -> str:
    """The caller's address: the last in X-Forwarded-For that is no trusted proxy's, where a trusted proxy says so.

    Whatever stands before that one a caller may have written itself. Empty where the connection has no address.
    """
    asked = unwrap(request)
    peer = asked.remote_addr or ""
    return forwarded_for(peer, asked.headers.getlist("X-Forwarded-For"), services().settings.trusted_proxies)


def forwarded_for(peer: str, headers: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last address of the chain `headers`, then `peer`, that is not trusted; the first of them when all are.

    An entry that is no address ends the chain: what passed it on is the last that is known.
    """
    known = address_of(peer)
    if known is None:
        return peer
    if is_within(known, trusted):
        for entry in reversed(",".join(headers).split(",") if headers else []):
            address = address_of(entry)
            if address is None:
                break
            known = address
            if not is_within(address, trusted):
                break
    return str(known)


def address_of(text: str) -> Address | None:
    """An address as proxies write it, with a port perhaps; IPv4 also where it is written as IPv6. None for others."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in networks)
