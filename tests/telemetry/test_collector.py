"""A collector that means harm, or is not there: spans are all that it costs."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.telemetry.test_tracer import open_tracer, told

MEBIBYTE = b"x" * 2**20
ENOUGH = 64
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"


@contextmanager
def answering(head: bytes, part: bytes) -> Iterator[tuple[str, list[int]]]:
    """A server that answers one call with a head and, for as long as it is read, with this part again and again.

    Its address, and how many bytes it got rid of, once it is over.
    """
    taken: list[int] = []

    def answer() -> None:
        connection, _ = listener.accept()
        sent = 0
        with connection:
            connection.recv(2**16)
            try:
                connection.sendall(head)
                for _ in range(ENOUGH):
                    connection.sendall(part)
                    sent += len(part)
            except OSError:
                pass
        taken.append(sent)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
        thread.join(60)


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "5")


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (HEAD + b"Content-Length: 10000000000\r\n\r\n", MEBIBYTE),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MEBIBYTE + b"\r\n"),
        (HEAD + b"\r\n", MEBIBYTE),
        (HEAD.replace(b"200 OK", b"307 Else") + b"Location: /\r\nContent-Length: 10000000000\r\n\r\n", MEBIBYTE),
    ],
    ids=["length", "chunks", "to its end", "redirect"],
)
def test_of_an_answer_without_end_little_is_read(monkeypatch, head, part):
    with answering(head, part) as (url, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        tracer = open_tracer()
        tracer.send(told(1))
        assert tracer.close(60) == 0
    assert taken[0] < ENOUGH * len(part) / 2
    assert (tracer.counts.sent, tracer.counts.lost) == ((1, 0) if b" 200 " in head else (0, 1))


def test_the_address_of_the_collector_is_in_no_log_line(monkeypatch, caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://name:pass-word@127.0.0.1:{port}/in?token=to-ken")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.01")
    tracer = open_tracer()
    tracer.send(told(1))
    tracer.close(60)
    assert tracer.counts.lost == 1
    assert "Failed to export" in caplog.text
    assert "to-ken" not in caplog.text
    assert "pass-word" not in caplog.text
