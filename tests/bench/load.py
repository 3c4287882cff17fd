"""A load of keep-alive clients on one asyncio loop; as little work a request as Python allows."""

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CLIENTS = 8


@dataclass(frozen=True)
class Target:
    """What clients ask for: a GET, or a POST of `body` (JSON)."""

    url: str
    key: str = ""
    body: bytes | None = None

    def request(self) -> bytes:
        """The whole request, byte for byte."""
        address = urlsplit(self.url)
        lines = [
            f"{'GET' if self.body is None else 'POST'} {address.path}?{address.query} HTTP/1.1",
            f"Host: {address.netloc}",
            f"X-N8N-API-KEY: {self.key}",
        ]
        if self.body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "\r\n"]).encode() + (self.body or b"")


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

    @property
    def figures(self) -> tuple[float, float, float]:
        """Requests a second, and milliseconds at the 50th and the 99th of a hundred."""
        return self.per_second, self.percentile(0.5), self.percentile(0.99)


def drive(target: Target, *, clients: int = CLIENTS, seconds: float = 4.0, warm_up: float = 1.0) -> Load:
    """Ask with so many clients, each sending its next request when it has its answer."""
    [load] = drive_in_turn([target], clients=clients, rounds=1, seconds=seconds, warm_up=warm_up)
    return load


def drive_in_turn(
    targets: Sequence[Target],
    *,
    clients: int = CLIENTS,
    rounds: int = 5,
    seconds: float = 1.0,
    warm_up: float = 0.5,
) -> list[Load]:
    """Ask each in short turns, so that whatever else the machine does meets all of them alike.

    Ends the benchmark when an answer is no 200: no figure is worth anything then.
    """
    loads = [Load() for _ in targets]
    for target in targets:
        asyncio.run(_drive(target, clients, warm_up, Load()))
    for _ in range(rounds):
        for target, load in zip(targets, loads, strict=True):
            asyncio.run(_drive(target, clients, seconds, load))
    for target, load in zip(targets, loads, strict=True):
        if load.failures:
            sys.exit(f"{load.failures} requests to {target.url} failed; no figure is worth anything now")
    return loads


async def _drive(target: Target, clients: int, seconds: float, load: Load) -> None:
    started = time.perf_counter()
    await asyncio.gather(*(_client(target, started + seconds, load) for _ in range(clients)))
    load.elapsed += time.perf_counter() - started


async def _client(target: Target, until: float, load: Load) -> None:
    address, request = urlsplit(target.url), target.request()
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
