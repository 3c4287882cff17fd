"""A worker as a process of its own: its connections, its signals, and its end even when PostgreSQL does not answer."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator

from app.allocator import return_large_blocks
from app.engine.sandbox import Sandbox
from app.settings import Settings
from app.worker.database import Pools
from app.worker.health import HealthServer
from app.worker.leaving import LEAVE_SECONDS
from app.worker.parts import THREADS
from app.worker.vitals import Vitals
from app.worker.watchdog import Watchdog
from app.worker.worker import Worker

JOIN_SECONDS = 0.5  # how long a thread may take to end that should have nothing left to do
SWITCH_SECONDS = 0.001  # how long a thread that computes keeps the loop and the beat waiting for their turn


async def work(settings: Settings) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    pools = Pools.open(settings)
    try:
        sandbox = Sandbox(processes=settings.sandbox_processes, memory_mb=settings.sandbox_memory_mb)
        worker = Worker(settings, pools, sandbox)
        watchdog = Watchdog(worker.pulse, settings.node_seconds, worker.hand_over)
        loop = asyncio.get_running_loop()

        def stop(*_: object) -> None:
            watchdog.stop_within(LEAVE_SECONDS, worker.leaving.left)
            loop.call_soon_threadsafe(worker.stop)

        # Not the loop's own handlers: they are called when the loop turns, and it may not.
        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with serving_health(settings, worker, sandbox), watchdog.watching():
                await worker.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            worker.close()
    finally:
        pools.close(JOIN_SECONDS)


@contextlib.contextmanager
def serving_health(settings: Settings, worker: Worker, sandbox: Sandbox) -> Iterator[None]:
    """Answer health checks while this lasts, where a port for them is set; without it nothing is measured for them."""
    if settings.worker_port is None:
        yield
        return
    vitals = Vitals(worker, sandbox, settings.concurrency)
    with HealthServer(vitals.pages()).serving(settings.worker_host, settings.worker_port):
        yield


def run_worker(settings: Settings) -> None:
    """Run a worker in this process until SIGTERM or SIGINT, then return.

    Raises SettingsError where it cannot listen for health checks.
    """
    hear_of_children_without_threads()
    return_large_blocks()
    sys.setswitchinterval(SWITCH_SECONDS)
    # What is loaded stays; and data of many values is made and dropped without a look at all of it every time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    asyncio.run(work(settings))
    for thread in threading.enumerate():
        if thread.name.startswith(THREADS):
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                # PostgreSQL leaves it without an answer, and the interpreter would wait for it for ever.
                logging.shutdown()
                os._exit(0)


def hear_of_children_without_threads() -> None:
    """Let the loop itself wait for child processes where the kernel can tell it of their ends, as from Python 3.12 on.

    Else each of them costs a thread, whose start the loop waits for: it comes when others that compute let it.
    """
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
