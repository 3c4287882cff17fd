"""How nodes connect, and what they say of connections that cannot be made, or break."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from app.engine.run.errors import NodeError
from app.outgoing import sockets
from app.outgoing.addresses import AddressRefused, AddressRules, UnknownHost

CONNECTION_ERRORS = {
    "ECONNABORTED": "The connection was aborted, perhaps the server is offline",
    "ECONNREFUSED": "The service refused the connection - perhaps it is offline",
    "ENOTFOUND": "The connection cannot be established, this usually occurs due to an incorrect host (domain) value",
    "ECONNRESET": "The connection to the server was closed unexpectedly, perhaps it is offline. "
    "You can retry the request immediately or wait and retry later.",
}
"""n8n's sentence for each way in which a connection can break, by the code that Node.js gives it."""

SHORTEST_ENCODED = 6
"""Signs of Base64; fewer stand in other texts by chance."""
UNSAID = "What the server says is not shown: it may hold the password"


def hide_password(text: str, password: object) -> str:
    """A complaint of a server or of its library, but for one in which the password stands.

    Nothing of that is shown: the rest of a word or a well-known sentence would say what was masked in it.
    """
    return UNSAID if password and any(form in text for form in _forms_of(str(password))) else text


def _forms_of(password: str) -> list[str]:
    """The password as it stands, as mail clients quote it, and in Base64, wherever in the encoded text it begins."""
    forms = [password, password.replace("\\", "\\\\").replace('"', '\\"')]
    content = password.encode("utf-8", "surrogatepass")
    for shift in range(3):
        # The first and the last signs hold bits of what is beside the password.
        encoded = base64.b64encode(bytes(shift) + content).decode().rstrip("=")
        whole = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(content)) % 3 else 0)]
        if len(whole) >= SHORTEST_ENCODED:
            forms.append(whole)
    return forms


@contextmanager
def _as_node_errors() -> Iterator[None]:
    """Addresses that no workflow may reach, and names that nobody knows, as nodes say so. Raises NodeError."""
    try:
        yield
    except AddressRefused as error:
        raise NodeError(str(error)) from error
    except UnknownHost as error:
        raise NodeError(CONNECTION_ERRORS["ENOTFOUND"]) from error


async def connect(rules: AddressRules, host: str, port: int, *, seconds: float) -> socket.socket:
    """A connected socket, as app.outgoing.sockets makes it. Raises NodeError."""
    try:
        with _as_node_errors():
            return await sockets.connect(rules, host, port, seconds=seconds)
    except (OSError, ValueError) as error:
        raise NodeError(CONNECTION_ERRORS["ECONNREFUSED"]) from error


async def resolve(rules: AddressRules, host: str, port: int) -> list[str]:
    """The addresses of `host` that a workflow may connect to. Raises NodeError."""
    with _as_node_errors():
        return await rules.resolve(host, port)
