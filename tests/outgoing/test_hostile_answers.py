"""Answers that were written so that whoever reads them takes long, or needs much memory."""

import asyncio
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpcore
import pytest

from app.outgoing import connections
from app.outgoing.bounds import ResponseTooLarge
from tests.engine.nodes import far_side
from tests.outgoing.asking import ask


@pytest.mark.parametrize("way", [{}, {"proxy": "{}"}])
def test_an_answer_with_very_many_headers_is_refused(address: str, way: dict[str, str]) -> None:
    """Each costs time wherever headers are read, on the loop that all executions share."""
    more = {name: value.format(address) for name, value in way.items()}
    assert ask(f"{address}/headers?number=500", "127.0.0.1", **more).headers["x-499"] == "v"
    with pytest.raises(ResponseTooLarge):
        ask(f"{address}/headers?number=5000", "127.0.0.1", **more)


def test_of_what_takes_long_to_read_little_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is read in one turn of the loop: 64 KiB may be ten thousand chunks."""
    asked: list[int] = []
    seconds = iter([1.0, 1.0, 1.001, 1.001, 1.002, 1.002, 1.003, 1.003, 1.5, 1.5, 1.501, 1.501])
    monkeypatch.setattr(connections, "thread_time", lambda: next(seconds))

    class Inner(httpcore.AsyncMockStream):
        async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            asked.append(max_bytes)
            return b"x"

    async def read() -> None:
        stream = connections.PacedStream(Inner([]))
        for _ in range(6):
            await stream.read(40_000)

    asyncio.run(read())
    assert asked == [8192, 16384, 32768, 40_000, 8192, 16384]


@pytest.mark.parametrize(("codings", "decoded"), [("gzip", b"packed"), ("zstd", None), ("gzip, gzip", None)])
def test_what_could_unpack_to_a_thousand_times_its_size_at_once_stays_packed(address: str, codings, decoded) -> None:
    answer = ask(f"{address}/packed?codings={codings}", "127.0.0.1", largest=10_000)
    assert answer.content == (decoded or far_side.PACKED[codings])
    assert answer.headers["content-encoding"] == codings


HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"


@pytest.fixture
def serve_raw() -> Iterator[Callable[[bytes], str]]:
    """A server at the address that is returned answers every request with these bytes."""
    with ExitStack() as stack:

        def serve(answer: bytes) -> str:
            class Handler(socketserver.BaseRequestHandler):
                def handle(self) -> None:
                    asked = b""
                    while b"\r\n\r\n" not in asked and (part := self.request.recv(4096)):
                        asked += part
                    with suppress(OSError):
                        self.request.sendall(answer)

            server = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler))
            threading.Thread(target=server.serve_forever, args=(0.02,)).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield serve


@pytest.mark.parametrize("way", [{}, {"proxy": "{}"}])
def test_a_row_of_early_answers_has_a_bound(serve_raw, way) -> None:
    body = b"x" * 200_000
    end = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    few, many = (serve_raw(HINTS * number + end) for number in (1_000, 5_000))
    assert ask(few, "127.0.0.1", **{name: value.format(few) for name, value in way.items()}).content == body
    with pytest.raises(ResponseTooLarge, match="before the response"):
        ask(many, "127.0.0.1", **{name: value.format(many) for name, value in way.items()})


def test_what_unpacks_to_nothing_has_a_bound_as_well(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_RESPONSE_BYTES", 10)
    with pytest.raises(ResponseTooLarge):
        ask(f"{address}/packed?codings=gzip", "127.0.0.1")
