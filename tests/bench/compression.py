"""What compressing run data costs and leaves: `python -m tests.bench.compression` prints a table for some levels."""

import random
import time

import orjson
import zstandard

from tests.bench.fill import run_data
from tests.bench.report import Report

ROUND_SECONDS = 0.3


def document(orders: int) -> bytes:
    """Run data of two nodes that passed on so many orders."""
    chance = random.Random(orders)
    parts = [run_data(chance) for _ in range(max(1, orders // 5))]
    return orjson.dumps(parts if len(parts) > 1 else parts[0])


def megabytes_per_second(compressor: zstandard.ZstdCompressor, content: bytes) -> float:
    began, done = time.perf_counter(), 0
    while (seconds := time.perf_counter() - began) < ROUND_SECONDS:
        compressor.compress(content)
        done += len(content)
    return done / seconds / 2**20


def main() -> None:
    report = Report()
    for content in (document(5), document(150), document(15_000)):
        with report.table(f"{len(content):,} bytes", **{"left": ".1%", "MiB/s": ",.0f"}) as table:
            for level in (-1, 1, 2, 3, 6):
                compressor = zstandard.ZstdCompressor(level=level)
                left = len(compressor.compress(content)) / len(content)
                table.add(f"zstd, level {level}", left, megabytes_per_second(compressor, content))


if __name__ == "__main__":
    main()
