"""How fast the sandbox is: `python -m tests.bench.bench_sandbox` prints the best of several rounds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from app.engine.sandbox import Sandbox

ITEM = {"json": {"name": "Ada", "n": 7, "tags": ["a", "b"], "o": {"k": 1}}}
TWO = ["=Hello {{ $json.name }}", "={{ $json.n * 2 }}"]
FIVE = [*TWO, "={{ $json.name.toTitleCase() }}", "={{ $json.tags.join() }}", "={{ $itemIndex }}"]


async def best(rounds: int, times: int, work: Callable[[], Awaitable[Any]]) -> float:
    """Seconds that one call takes in the fastest round."""
    fastest = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(times):
            await work()
        fastest = min(fastest, (time.perf_counter() - started) / times)
    return fastest


async def main() -> None:
    few = {"items": [ITEM] * 3}
    many = {"items": [ITEM] * 1000}
    async with Sandbox() as sandbox:
        round_trip = await best(5, 1000, lambda: sandbox.evaluate(TWO, few))
        batch = await best(5, 5, lambda: sandbox.evaluate(FIVE, many))
        at_once = await best(3, 1, lambda: asyncio.gather(*(sandbox.evaluate(TWO, few) for _ in range(1000))))
        code = await best(5, 100, lambda: sandbox.run_code("return items", few))
        dates = await best(5, 100, lambda: sandbox.run_code("return {now: $now.toISO()}", few))
    print(f"evaluate, 2 templates x 3 items, one after the other   {round_trip * 1e6:8.0f} µs")
    print(f"evaluate, 2 templates x 3 items, 1,000 at once         {at_once / 1000 * 1e6:8.0f} µs each")
    print(f"evaluate, 5 templates x 1,000 items                    {batch * 1e3:8.1f} ms")
    print(f"run_code, return items                                 {code * 1e6:8.0f} µs")
    print(f"run_code, with Luxon                                   {dates * 1e6:8.0f} µs")


if __name__ == "__main__":
    asyncio.run(main())
