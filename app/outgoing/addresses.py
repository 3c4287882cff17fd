"""Which addresses a workflow may reach: everything on the public Internet, and of the rest what an allow list names.

Knows names and addresses, no protocol. Whoever connects asks here and then connects to the very address that was
checked, so that a name that answers differently the second time gains nothing.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.outgoing.lookups import look_up

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS = 2**16
SETTING = "EXECUTIONS_ALLOWED_HOSTS"
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "169.254.169.254", "fd00:ec2::254")))
"""Where clouds tell a machine its secrets; one of them is a public address by its number."""

PUBLIC6 = ipaddress.IPv6Network("2000::/3")
"""All that is handed out to the public of IPv6, today."""
SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2620:4f:8000::/48",
            "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        ),
    )
)  # fmt: skip
"""The special-purpose registries of IANA, whatever the Python at hand knows of them; 6to4 and NAT64 count as the IPv4
addresses in them."""


class AddressRefused(Exception):
    """A workflow asked for an address that it may not reach. The message says which setting would allow it."""


class UnknownHost(Exception):
    """No address is known for a name, or it has no such port."""


class InvalidAllowList(ValueError):
    """An entry of the allow list is not a host, host:port or network."""


@dataclass(frozen=True, slots=True)
class AddressRules:
    """The allow list, taken apart: hosts (each with the port that it is limited to, or None) and networks."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = ()
    project: str = ""
    """Whose workflows ask: a project that asks much waits for itself."""
    of_projects: frozenset[tuple[str, str, int]] = frozenset()
    """What single projects may reach besides: project, host, port."""

    @classmethod
    def parse(cls, text: str) -> "AddressRules":
        """Read a comma-separated list of hosts, host:port and networks in CIDR notation.

        Raises InvalidAllowList.
        """
        hosts: set[tuple[str, int | None]] = set()
        networks: list[Network] = []
        for entry in filter(None, (part.strip() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                hosts.add(_host_and_port(entry))
        return cls(frozenset(hosts), tuple(networks))

    def within(self, project_id: str) -> "AddressRules":
        """The same for the workflows of one project."""
        # Not by `replace`, which takes several times as long: each execution has one of its own.
        return type(self)(self.hosts, self.networks, project_id, self.of_projects)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host` that may be connected to, in the order of preference.

        Raises AddressRefused when any of them is out of bounds, UnknownHost when there is none.
        """
        if not 0 <= port < PORTS:
            raise UnknownHost(f"There is no port {port}")
        addresses = await _look_up(host, port, self.project)
        name = normal_host(host)
        own = (self.project, name, port) in self.of_projects
        if own or (name, None) in self.hosts or (name, port) in self.hosts:
            return [str(address) for address in addresses]
        for address in addresses:
            self._check(address, host, port)
        return [str(address) for address in addresses]

    def _check(self, address: Address, host: str, port: int) -> None:
        reason = out_of_bounds(address)
        if reason is None:
            return
        for inner in (address, *_embedded_ipv4(address)):
            text = str(inner)
            if (text, port) in self.hosts or (text, None) in self.hosts:
                return
            if any(inner.version == network.version and inner in network for network in self.networks):
                return
        shown = host if normal_host(host) == str(address) else f"{host} ({address})"
        entry = f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host}:{port}"
        raise AddressRefused(
            f"Requests to {shown} are not allowed: it is {reason}. "
            f"To allow them, name {entry} in {SETTING} and start the worker again."
        )


def _host_and_port(entry: str) -> tuple[str, int | None]:
    host, colon, port = entry.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = entry, ""
    host = normal_host(host)
    if not host or any(sign in host for sign in "/ @?#*") or (port and not port.isdecimal()):
        raise InvalidAllowList(f"{entry!r} is not a host, host:port or network")
    return host, int(port) if port else None


def normal_host(host: str) -> str:
    """A host as names are compared: without brackets, in lower case, without a dot at its end."""
    return host.strip("[]").rstrip(".").lower()


async def _look_up(host: str, port: int, project: str) -> Sequence[Address]:
    try:
        found = await look_up(normal_host(host), port, project)
    except TimeoutError as error:
        raise UnknownHost(f"getaddrinfo EAI_AGAIN {host}") from error
    except (OSError, UnicodeError) as error:
        raise UnknownHost(f"getaddrinfo ENOTFOUND {host}") from error
    addresses = dict.fromkeys(ipaddress.ip_address(address.partition("%")[0]) for address in found)
    if not addresses:
        raise UnknownHost(f"getaddrinfo ENOTFOUND {host}")
    return list(addresses)


def out_of_bounds(address: Address) -> str | None:
    """Why an address is none of the public Internet's; None when it is one. An IPv4 address inside an IPv6 one
    counts as itself."""
    for inner in (address, *_embedded_ipv4(address)):
        reason = _own_reason(inner)
        if reason is not None:
            return reason
    return None


def _own_reason(address: Address) -> str | None:
    if address in METADATA:
        return "a cloud's metadata address"
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.sixtofour) is not None:
        return None  # it counts as the IPv4 address in it; earlier Pythons take all of 6to4 for private
    for reason, holds in (
        ("an unspecified address", address.is_unspecified),
        ("a loopback address", address.is_loopback),
        ("a link-local address", address.is_link_local),
        ("a multicast address", address.is_multicast),
        ("a site-local address", isinstance(address, ipaddress.IPv6Address) and address.is_site_local),
        ("a private address", address.is_private),
        ("a reserved address", address.is_reserved and address not in NAT64),
    ):
        if holds:
            return reason
    special = any(network.version == address.version and address in network for network in SPECIAL)
    unassigned = address.version == 6 and address not in PUBLIC6
    public = address in NAT64 or (not special and not unassigned and address.is_global)
    return None if public else "not a public address"


def _embedded_ipv4(address: Address) -> Iterable[Address]:
    """The IPv4 addresses that an IPv6 address stands for."""
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in NAT64 or int(address) >> 32 == 0:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
