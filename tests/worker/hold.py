"""A worker with node types that compute without end, each in another way: `python -m tests.worker.hold`."""

import os
import re
import threading

from app.engine.run.computing import compute
from app.engine.run.context import NodeContext
from app.engine.run.items import Outputs
from app.engine.run.registry import node
from app.settings import Settings
from app.worker.process import run_worker

LATE = threading.Event()


def go_on_for_ever() -> None:
    number = 0
    while True:
        number += 1


@node("holdLoop", [1])
async def hold_loop(context: NodeContext) -> Outputs:
    go_on_for_ever()
    return []


@node("holdPattern", [1])
async def hold_pattern(context: NodeContext) -> Outputs:
    re.match("(a+)+b", "a" * 64)  # one call into C, which would end after the Sun
    return []


@node("holdSort", [1])
async def hold_sort(context: NodeContext) -> Outputs:
    sorted([2, 1], key=lambda number: go_on_for_ever())  # type: ignore[arg-type,return-value]
    return []


@node("holdStubbornly", [1])
async def hold_stubbornly(context: NodeContext) -> Outputs:
    """Looks at no signals and lets other threads go on, as C code may. It waits: nobody minds what it computes."""
    lock = threading.Lock()
    while True:
        try:
            lock.acquire()
        except BaseException:
            continue


@node("holdThread", [1])
async def hold_thread(context: NodeContext) -> Outputs:
    await compute(go_on_for_ever)
    return []


if __name__ == "__main__":
    run_worker(Settings.from_environment(os.environ))
