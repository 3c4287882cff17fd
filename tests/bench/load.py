"""A load of keep-alive clients on one asyncio loop; as little work a request as Python allows."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """What clients saw: `latencies` in seconds, `elapsed` seconds, and how many answers were no 200."""

    latencies: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    failures: int = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.elapsed

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return statistics.quantiles(self.latencies, n=1000)[round(share * 1000) - 1] * 1000


def drive(url: str, key: str, *, clients: int = 8, seconds: float = 4.0, warm_up: float = 1.0) -> Load:
    """Ask for `url` with so many clients, each sending its next request when it has its answer."""
    [load] = drive_in_turn([(url, key)], clients=clients, rounds=1, seconds=seconds, warm_up=warm_up)
    return load


def drive_in_turn(
    targets: Sequence[tuple[str, str]],
    *,
    clients: int = 8,
    rounds: int = 5,
    seconds: float = 1.0,
    warm_up: float = 0.5,
) -> list[Load]:
    """Ask each (url, key) in short turns, so that whatever else the machine does meets all of them alike."""
    loads = [Load() for _ in targets]
    for url, key in targets:
        asyncio.run(_drive(url, key, clients, warm_up, Load()))
    for _ in range(rounds):
        for (url, key), load in zip(targets, loads, strict=True):
            asyncio.run(_drive(url, key, clients, seconds, load))
    return loads


async def _drive(url: str, key: str, clients: int, seconds: float, load: Load) -> None:
    started = time.perf_counter()
    await asyncio.gather(*(_client(url, key, started + seconds, load) for _ in range(clients)))
    load.elapsed += time.perf_counter() - started


async def _client(url: str, key: str, until: float, load: Load) -> None:
    address = urlsplit(url)
    request = (
        f"GET {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\nX-N8N-API-KEY: {key}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**20)
    while (began := time.perf_counter()) < until:
        writer.write(request)
        if not await _answer_is_200(reader):
            load.failures += 1
        load.latencies.append(time.perf_counter() - began)
    writer.close()


async def _answer_is_200(reader: asyncio.StreamReader) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length: " in head:
        await reader.readexactly(int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
    else:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    return head.startswith(b"http/1.1 200")
