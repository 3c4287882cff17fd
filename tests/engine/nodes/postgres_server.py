"""A PostgreSQL that says whatever a test wants, and nothing else."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TEXT, BYTES, INTEGERS, NUMBER = 25, 17, 1007, 23


def message(kind: bytes, body: bytes = b"", length: int | None = None) -> bytes:
    return kind + struct.pack(">I", 4 + (len(body) if length is None else length)) + body


def one_row(kind: int, value: bytes, name: bytes = b"a") -> bytes:
    described = struct.pack(">H", 1) + name + b"\0" + struct.pack(">IHIhih", 0, 0, kind, -1, -1, 0)
    row = struct.pack(">Hi", 1, len(value)) + value
    return message(b"T", described) + message(b"D", row) + message(b"C", b"SELECT 1\0") + message(b"Z", b"I")


GREETING = message(b"R", bytes(4)) + message(b"S", b"client_encoding\0UTF8\0") + message(b"Z", b"I")
NOTICE = message(b"N", b"SNOTICE\0C00000\0M" + b"x" * 60_000 + b"\0\0")
NOTIFICATION = message(b"A", bytes(4) + b"channel\0" + b"x" * 7_000 + b"\0")


@contextmanager
def answering(answer: bytes | Callable[[bytes], bytes], *, again: int = 1, greeting: bytes = GREETING) -> Iterator[int]:
    """The port of a server that lets everybody in, and says this to every query, as often as that; `answer` may be
    given the query."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with client:
            try:
                client.recv(10_000)
                client.sendall(greeting)
                while asked := client.recv(10_000):
                    said = answer if isinstance(answer, bytes) else answer(asked)
                    for _ in range(again):
                        client.sendall(said)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
