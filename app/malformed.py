"""What gunicorn answers to requests that never reach the application: the same shape as every other error."""

import socket

import gunicorn.util  # type: ignore[import-untyped]
import orjson


def write_error(sock: socket.socket, status_int: int, reason: str, mesg: str) -> None:
    """Answer a request that could not be read. In the place of gunicorn's own function of this name."""
    body = orjson.dumps({"message": mesg or reason})
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    gunicorn.util.write_nonblock(sock, head.encode("latin-1", "replace") + body)


def install() -> None:
    """Let this process's gunicorn answer in JSON; gunicorn offers no setting for it."""
    gunicorn.util.write_error = write_error
