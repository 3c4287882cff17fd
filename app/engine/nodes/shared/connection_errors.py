"""How nodes connect, and what they say of connections that cannot be made, or break."""

import socket

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

UNSAID = "What the server says is not shown: it may hold the password"


def hide_password(text: str, password: object) -> str:
    """A complaint of a server or of its library, but for one in which the password stands.

    Nothing of that is shown: the rest of a word or a well-known sentence would say what was masked in it.
    """
    return UNSAID if password and str(password) in text else text


async def connect(rules: AddressRules, host: str, port: int, *, seconds: float) -> socket.socket:
    """A connected socket, as app.outgoing.sockets makes it. Raises NodeError."""
    try:
        return await sockets.connect(rules, host, port, seconds=seconds)
    except AddressRefused as error:
        raise NodeError(str(error)) from error
    except UnknownHost as error:
        raise NodeError(CONNECTION_ERRORS["ENOTFOUND"]) from error
    except (OSError, ValueError) as error:
        raise NodeError(CONNECTION_ERRORS["ECONNREFUSED"]) from error


async def resolve(rules: AddressRules, host: str, port: int) -> list[str]:
    """The addresses of `host` that a workflow may connect to. Raises NodeError."""
    try:
        return await rules.resolve(host, port)
    except AddressRefused as error:
        raise NodeError(str(error)) from error
    except UnknownHost as error:
        raise NodeError(CONNECTION_ERRORS["ENOTFOUND"]) from error
