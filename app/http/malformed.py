"""What gunicorn answers to requests that never reach the application: the same shape as every other error."""

import logging
import secrets
import socket
from http import HTTPStatus

import gunicorn.util  # type: ignore[import-untyped]
import orjson

log = logging.getLogger("app.requests")


def write_error(sock: socket.socket, status_int: int, reason: str, mesg: str) -> None:
    """Answer a request that could not be read. In the place of gunicorn's own function of this name.

    A transfer coding that nobody knows is the caller's error, whatever gunicorn calls it.
    """
    if status_int == HTTPStatus.NOT_IMPLEMENTED:
        status_int, reason = HTTPStatus.BAD_REQUEST.value, HTTPStatus.BAD_REQUEST.phrase
    body = orjson.dumps({"message": mesg or reason})
    request_id = secrets.token_hex(8)
    log.info("request refused", extra={"status": status_int, "reason": mesg or reason, "request_id": request_id})
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"X-Content-Type-Options: nosniff\r\nX-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    gunicorn.util.write_nonblock(sock, head.encode("latin-1", "replace") + body)


def install() -> None:
    """Let this process's gunicorn answer in JSON; gunicorn offers no setting for it."""
    gunicorn.util.write_error = write_error
