"""Hosts of a deployment as far as a network can tell: an API and workers that reach PostgreSQL through a cable of their
own, which a test can cut.
"""

import asyncio
import select
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from app.processes import Child
from tests import live
from tests.live import LiveServer


class Cable:
    """A TCP relay to PostgreSQL's Unix socket, in a thread of its own."""

    def __init__(self, database_url: str) -> None:
        parts = conninfo_to_dict(database_url)
        self._socket = f"{parts['host']}/.s.PGSQL.5432"
        self._database = parts["dbname"]
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False
        self.refused = 0
        """Attempts to connect while it was cut."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The database, seen from this end."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self._database}"

    def cut(self) -> None:
        """Break every connection, and every new one at once."""
        self._refusing = True
        self._call(self._break())

    def swallow(self) -> None:
        """Deliver nothing any more and say nothing."""
        self._loop.call_soon_threadsafe(self._passing.clear)

    def mend(self) -> None:
        """Go on, and deliver what was swallowed."""
        self._refusing = False
        self._loop.call_soon_threadsafe(self._passing.set)

    def close(self) -> None:
        self.mend()
        self._server.close()
        self._call(self._break())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            self.refused += 1
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@dataclass(frozen=True)
class Host:
    """One machine: its cable, its worker, and its API if it has one."""

    cable: Cable
    worker: Child
    api: LiveServer | None


@contextmanager
def host(database_url: str, home: Path, *, with_api: bool = True, **settings: Any) -> Iterator[Host]:
    """Start one."""
    with ExitStack() as stack:
        cable = Cable(database_url)
        stack.callback(cable.close)
        settings = {"DATABASE_URL": cable.url, **settings}
        api = live.start_server(database_url, home, **settings) if with_api else None
        if api is not None:
            stack.callback(api.child.stop)
        worker = live.start_worker(database_url, home, **settings)
        stack.callback(worker.stop)
        stack.callback(cable.mend)
        yield Host(cable, worker, api)


class World(ThreadingHTTPServer):
    """What executions do to the world outside: it counts the calls of each path.

    Those below /held/ are answered as soon as `released` is set; `given_up` has those whose callers went away before.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.released = threading.Event()
        self.given_up: set[str] = set()
        super().__init__(("127.0.0.1", 0), Call)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Call(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, World)
        self.server.calls[self.path] += 1
        if self.path.startswith("/held/") and not self._is_released():
            self.server.given_up.add(self.path)
            return
        self.send_response(204)
        self.end_headers()

    def _is_released(self) -> bool:
        """Wait for that; false when the caller does not."""
        assert isinstance(self.server, World)
        while not self.server.released.wait(0.05):
            if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1, socket.MSG_PEEK):
                return False
        return True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def world() -> Iterator[World]:
    server = World()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
