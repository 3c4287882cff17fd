"""What a worker answers over HTTP where it has a port: GET of a few paths, in a thread with a loop of its own.

It answers also while the worker's own loop stands still. Whoever is slow is cut off, and no more than so many are
listened to at once; a body is never read. Knows HTTP and nothing of what the pages say.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from app.environment import SettingsError

log = logging.getLogger(__name__)

CALL_SECONDS = 5.0
"""From a connection's first moment to its last."""
MAX_CALLS = 32
MAX_HEAD_LENGTH = 8 * 2**10
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What is answered."""

    body: bytes
    status: int = 200
    content_type: str = JSON


def json_page(status: int, message: str | None = None) -> HealthAnswer:
    """The answer of a health check, or a refusal: 200 is {"status": "ok"}, all else says why not."""
    return HealthAnswer(orjson.dumps({"message": message} if message else {"status": "ok"}), status)


class HealthServer:
    """Answers each path with what its function makes of this moment."""

    def __init__(self, pages: Mapping[str, Callable[[], HealthAnswer]]) -> None:
        """The functions are called in the server's thread, and must not wait for anything."""
        self._pages = pages
        self._calls: dict[asyncio.Task[None], asyncio.StreamWriter] = {}  # the oldest first

    @contextlib.contextmanager
    def serving(self, host: str, port: int) -> Iterator[None]:
        """Listen while this lasts. Raises SettingsError where it cannot."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family, backlog=MAX_CALLS)
        except OSError as error:
            raise SettingsError(
                f"EXECUTIONS_WORKER_HOST, EXECUTIONS_WORKER_PORT: cannot listen on {host}:{port}: {error.strerror}. "
                "The host is an address of this machine, and each worker of it needs a port of its own"
            ) from None
        loop, ended = asyncio.new_event_loop(), asyncio.Event()
        thread = threading.Thread(target=self._run, args=(loop, listening, ended), name="health", daemon=True)
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(CALL_SECONDS)

    def _run(self, loop: asyncio.AbstractEventLoop, listening: socket.socket, ended: asyncio.Event) -> None:
        with contextlib.closing(loop), listening:
            loop.run_until_complete(self._serve(listening, ended))

    async def _serve(self, listening: socket.socket, ended: asyncio.Event) -> None:
        server = await asyncio.start_server(self._take, sock=listening, limit=MAX_HEAD_LENGTH)
        await ended.wait()
        # What the loop has accepted at the last moment becomes a call first, or nobody would close it. It does so only
        # while the server is not closed.
        asyncio.get_running_loop().remove_reader(listening)
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task(), *self._calls}))
        server.close()
        calls = dict(self._calls)
        for call, writer in calls.items():
            call.cancel()
            writer.transport.abort()
        await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0)  # in which the transports close

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a call. It is known from here on: one that is cancelled before its first step cannot end by itself."""
        task = asyncio.get_running_loop().create_task(self._answer(reader, writer))
        self._calls[task] = writer
        task.add_done_callback(lambda ended: self._calls.pop(ended, None))
        if len(self._calls) > MAX_CALLS:
            oldest = next(iter(self._calls))
            longest = self._calls.pop(oldest)
            oldest.cancel()
            _end(longest)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._converse(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # slow, or gone, or the one that has had the most time when there are too many
        finally:
            _end(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            page, method = json_page(431, "The head of the request is too large"), "GET"
        else:
            method, page = self._find(head)
        writer.write(_head(page) + (b"" if method == "HEAD" else page.body))
        await writer.drain()

    def _find(self, head: bytes) -> tuple[str, HealthAnswer]:
        method, target, *rest = [*head.split(b"\r\n", 1)[0].decode("latin-1").split(" "), ""]
        if not rest or not rest[0].startswith("HTTP/1."):
            return "GET", json_page(400, "This is no request of HTTP/1.1")
        page = self._pages.get(target.partition("?")[0])
        if page is None:
            return method, json_page(404, "Not found")
        if method not in ("GET", "HEAD"):
            return method, json_page(405, "Only GET is answered here")
        try:
            return method, page()
        except Exception:
            log.exception("health page failed", extra={"path": target})
            return method, json_page(500, "This page failed; the worker's log says why")


def _head(page: HealthAnswer) -> bytes:
    reason = HTTPStatus(page.status).phrase
    allow = "Allow: GET, HEAD\r\n" if page.status == 405 else ""
    return (
        f"HTTP/1.1 {page.status} {reason}\r\nContent-Type: {page.content_type}\r\nContent-Length: {len(page.body)}\r\n"
        f"{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    ).encode()


def _end(writer: asyncio.StreamWriter) -> None:
    if writer.transport.get_write_buffer_size():
        writer.transport.abort()  # who does not take it now has had the time to
    else:
        writer.close()
