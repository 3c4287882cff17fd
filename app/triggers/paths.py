"""Paths of webhooks, forms and MCP servers: one form of each, in which it is stored, compared and found.

It is the path as a call to the address that people are shown comes: without percent-encoding, and without slashes at
both ends. Everything else tells paths apart, as in n8n's router: case, forms of Unicode, and repeated slashes, which no
new address has: proxies make one of them.
"""

import re
from urllib.parse import unquote

from app.triggers import InvalidTrigger

LEADS_ELSEWHERE = re.compile(r"[\x00-\x1f\x7f\\?#]")
"""Clients drop these, end the path there or take them for slashes: a call would come to another path."""
ENCODED = {number: f"%{number:02X}" for number in (*range(32), *b"%\\?#\x7f")}
"""What is encoded where a path is shown, so that it leads back to itself."""
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")


def path_as_called(node: str, path: str) -> str:
    """The path by which calls of an address that `node` asks for are found.

    Raises InvalidTrigger for one that clients cannot call: they would call another, which may be a stranger's.
    """
    called = unquote(path.strip()).strip("/")
    dots = any(segment in (".", "..") for segment in called.split("/"))
    if dots or LEADS_ELSEWHERE.search(path.strip()) or UNKEEPABLE.search(called):
        raise InvalidTrigger(f"Node '{node}' asks for an address that cannot be one: {path!a:.100}")
    return called


def check_new(node: str, called: str) -> None:
    """Raise InvalidTrigger for a path that no node can ask for any more, though it may have been registered before."""
    if "//" in called:
        raise InvalidTrigger(
            f"Node '{node}' asks for an address with two slashes in a row, of which a proxy makes one: {called!a:.100}"
        )


def path_as_shown(called: str) -> str:
    """The path of an address that leads to this one."""
    return called.translate(ENCODED)
