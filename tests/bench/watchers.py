"""What open live pages cost: the processor while nothing happens, and how late they are told when something does."""

import os
import socket
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from app.repository import lifecycle, workflows
from app.repository.connection import connect
from tests import live
from tests.bench.report import Report
from tests.live import LiveServer
from tests.patience import PATIENCE_SECONDS
from tests.workflows import no_op, stored

WATCHERS = 200
IDLE_SECONDS = 15.0
TOLD = 20
READY, TICKS = b"event: ready", os.sysconf("SC_CLK_TCK")


def report_watchers(report: Report, home: Path, database_url: str) -> None:
    """Fill a table, over an empty database that is left with a few executions; one process of the API."""
    columns = {"% of a core": ".2f", "threads more": ",.0f", "told after ms, p50": ",.0f", "the last, ms": ",.0f"}
    server = live.start_server(database_url, home)
    try:
        with ExitStack() as stack, report.table("watching", **columns) as table:
            connection = stack.enter_context(connect(database_url, autocommit=True))
            before, threads = idle_share(server), thread_count(server)
            table.add("nobody, nothing happens", before * 100, 0, None, None)
            watchers = [watch(server, stack) for _ in range(WATCHERS)]
            share, more = idle_share(server), thread_count(server) - threads
            workflows.create_workflow(connection, "w", project_id="default", name="w", definition=stored(no_op()))
            target = workflows.get_workflow(connection, "w").target
            first, last = [], []
            for _ in range(TOLD):
                began = time.monotonic()
                lifecycle.create_execution(connection, target, mode="manual")
                told = [time.monotonic() - began for watcher in watchers if read_until(watcher, b"event: execution")]
                first.append(told[0])
                last.append(told[-1])
            late = (statistics.median(first) * 1000, max(last) * 1000)
            table.add(f"{WATCHERS} open pages, nothing happens", share * 100, more, *late)
    finally:
        server.child.stop()


def watch(server: LiveServer, stack: ExitStack) -> socket.socket:
    """A page that is open, and knows of everything up to now."""
    address = urlsplit(server.url)
    watcher = socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=PATIENCE_SECONDS)
    stack.callback(watcher.close)
    head = f"GET /api/v1/executions/events HTTP/1.1\r\nHost: x\r\nX-N8N-API-KEY: {server.key}\r\n\r\n"
    watcher.sendall(head.encode())
    read_until(watcher, READY)
    return watcher


def read_until(watcher: socket.socket, mark: bytes) -> bool:
    """Read what comes until this stands in it."""
    text = b""
    while mark not in text:
        more = watcher.recv(65_536)
        if not more:
            sys.exit("a stream ended; no figure is worth anything now")
        text = text[-len(mark) :] + more
    return True


def processes(server: LiveServer) -> list[int]:
    """The process ids of the API's workers."""
    children = Path(f"/proc/{server.child.pid}/task/{server.child.pid}/children").read_text()
    return [int(number) for number in children.split()]


def used_seconds(server: LiveServer) -> float:
    """Processor time that the API's workers have used."""
    stats = [Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in processes(server)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS


def thread_count(server: LiveServer) -> int:
    return sum(len(list(Path(f"/proc/{number}/task").iterdir())) for number in processes(server))


def idle_share(server: LiveServer) -> float:
    """The share of a core that the API's workers take while nobody asks them anything."""
    time.sleep(2)
    used, began = used_seconds(server), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return (used_seconds(server) - used) / (time.monotonic() - began)
