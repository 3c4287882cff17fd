"""A worker as a process of its own: its connections, its signals, and its end even when PostgreSQL does not answer."""

import asyncio
import logging
import os
import signal
import threading

from app.engine.sandbox import Sandbox
from app.repository.connection import open_pool
from app.settings import Settings
from app.worker.worker import THREADS, Worker

JOIN_SECONDS = 0.5  # how long a thread may take to end that should have nothing left to do


async def work(settings: Settings) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    pool = open_pool(settings.database_url, size=5, name="worker", through_pooler=settings.through_pooler)
    try:
        worker = Worker(settings, pool, Sandbox())
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, worker.stop)
        await worker.run()
    finally:
        pool.close(timeout=JOIN_SECONDS)


def run_worker(settings: Settings) -> None:
    """Run a worker in this process until SIGTERM or SIGINT, then return."""
    asyncio.run(work(settings))
    for thread in threading.enumerate():
        if thread.name.startswith(THREADS):
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                # PostgreSQL leaves it without an answer, and the interpreter would wait for it for ever.
                logging.shutdown()
                os._exit(0)
