"""A way to PostgreSQL on which answers are lost that a worker needs."""

import asyncio
from collections.abc import Callable

from tests.deployment.hosts import Cable


class LosingCable(Cable):
    """Loses the answers to the first commits of what is `lost`, and keeps that back after the first until `deliver`."""

    def __init__(self, database_url: str, lost: Callable[[bytes, int], bool], losses: int = 1) -> None:
        """`lost` is asked with what came just now over a connection, and how much in all."""
        self._lost, self.losses, self.kept_back, self._delivering = lost, losses, False, asyncio.Event()
        self._has_lost = False
        super().__init__(database_url)

    def deliver(self) -> None:
        self._loop.call_soon_threadsafe(self._delivering.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, far_writer}
        back = asyncio.ensure_future(self._pass_on(far_reader, writer))
        sent, lost = 0, False
        try:
            while data := await reader.read(65_536):
                sent += len(data)
                lost = lost or self._lost(data, sent)
                if lost and self._has_lost:
                    self.kept_back = True
                    await self._delivering.wait()
                if lost and self.losses and b"COMMIT" in data:
                    self.losses -= 1
                    self._has_lost = True
                    back.cancel()
                    await asyncio.wait([back])  # which reads from there until then
                    far_writer.write(data)
                    await far_reader.read(1)
                    break
                far_writer.write(data)
                await far_writer.drain()
        except ConnectionError:
            pass
        finally:
            far_writer.close()
            writer.close()
