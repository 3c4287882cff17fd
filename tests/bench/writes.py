"""What it costs an execution that the console knows of it: its life with and without what is written for pages."""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from psycopg import sql

from app.engine.run.document import RunDocument
from app.engine.run.preview import preview
from app.repository import counters, execution_totals, lifecycle, workers, workflows
from app.repository.connection import Connection, connect
from app.repository.execution_events import WATCHED
from app.repository.lifecycle import Result, finish_statements, results
from tests.bench.fill import fill, run_data
from tests.bench.report import Report

ROUNDS = 150
WARM_UP = 10
AT_ONCE = 20
THERE = 10_000
COUNTED_ALONE = sql.SQL(", totaled AS ({add})").format(add=counters.COUNT_ONE.format(**finish_statements.ENDED))
"""What is counted of a single end for metrics, which is not for pages."""


def unwatched(statement: str) -> str:
    """A statement that does not ask whether anybody watches."""
    return statement.replace(WATCHED.as_string(), "false")


WITHOUT = {
    "FINISH": unwatched(finish_statements.statement_of_one(COUNTED_ALONE)),
    "FINISH_MANY": unwatched(finish_statements.statement_of_many(sql.SQL(""))),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds that an execution took: by the clock, and of processor time of this process and of PostgreSQL's."""

    clock: float
    processor: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Who lets executions live, and which process of PostgreSQL serves it."""

    connection: Connection
    worker_id: int
    pid: int

    def cost(self, work: Callable[[], object], number: int) -> Cost:
        """What work for so many executions costs each of them."""
        clock, processor = time.perf_counter(), self._processor_seconds()
        work()
        seconds = time.perf_counter() - clock, self._processor_seconds() - processor
        return Cost(*(each * 1000 / number for each in seconds))

    def _processor_seconds(self) -> float:
        server = int(Path(f"/proc/{self.pid}/schedstat").read_text("ascii").split()[0])
        return time.process_time() + server / 1e9


def report_writes(report: Report, database_url: str) -> None:
    """What an execution that is created, claimed and ended costs, and its ratio to the same without pages.

    Both take turns, and each is compared with the one beside it: they meet the same load of the machine. Of processor
    time a load takes less; what is added up later (execution_totals.add_up) is a part of it, divided among all.
    """
    columns = {"ms": ",.2f", "without": ",.2f", "ratio": ",.3f"}
    columns |= {"processor": ",.3f", "without it": ",.3f", "later": ",.4f", "its ratio": ",.3f"}
    with connect(database_url, autocommit=True) as connection, report.table("an execution's life", **columns) as table:
        fill(connection, THERE)
        worker_id = workers.register(connection, hostname="bench", pid=os.getpid(), concurrency=AT_ONCE)
        bench = Bench(connection, worker_id, connection.info.backend_pid)
        for at_once in (1, AT_ONCE):
            table.add("one alone" if at_once == 1 else f"{at_once} together, each", *compare(bench, at_once))


def compare(bench: Bench, at_once: int) -> list[float]:
    """The figures of a row: of so many executions together, each."""
    pairs = []
    for number in range(WARM_UP + ROUNDS):
        if number == WARM_UP:  # everything is loaded and planned by now
            execution_totals.add_up(bench.connection)
        pair = {}
        for has_pages in (True, False) if number % 2 else (False, True):
            with statements({} if has_pages else WITHOUT):
                pair[has_pages] = live_through(bench, at_once, has_pages=has_pages)
        pairs.append((pair[True], pair[False]))
    pairs = pairs[WARM_UP:]
    later = bench.cost(lambda: execution_totals.add_up(bench.connection), ROUNDS * at_once).processor
    clocks = [(one.clock, beside.clock) for one, beside in pairs]
    processors = [(one.processor, beside.processor) for one, beside in pairs]
    ratio = statistics.median((one + later) / beside for one, beside in processors)
    return [*medians(clocks), *medians(processors)[:2], later, ratio]


def medians(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """The median of both and of their ratio."""
    ratios = [one / beside for one, beside in pairs]
    return [statistics.median(figures) for figures in (*zip(*pairs, strict=True), ratios)]


@contextmanager
def statements(others: Mapping[str, str]) -> Iterator[None]:
    """Let ends be recorded by other statements meanwhile."""
    before = {name: getattr(results, name) for name in others}
    for name, statement in others.items():
        setattr(results, name, statement)
    try:
        yield
    finally:
        for name, statement in before.items():
            setattr(results, name, statement)


def live_through(bench: Bench, number: int, *, has_pages: bool) -> Cost:
    """What each of so many executions costs from its creation to its end, committed as workers do it."""
    connection, worker_id = bench.connection, bench.worker_id
    target = workflows.get_workflow(connection, "w1").target
    document = run_data(random.Random(number))
    document["resultData"]["runData"]["Orders"][0]["executionIndex"] = 0  # its input is what previews show
    data = orjson.dumps(document)

    def live() -> None:
        for _ in range(number):
            with connection.transaction():
                lifecycle.create_execution(connection, target, mode="trigger")
        with connection.transaction():
            claims = lifecycle.claim(connection, worker_id, number)
        ended = [
            Result(claim.id, "success", claim.mode, data, input_preview=shown(document) if has_pages else None)
            for claim in claims
        ]
        with connection.transaction():
            lifecycle.finish(connection, worker_id, ended)

    return bench.cost(live, number)


def shown(document: dict[str, Any]) -> bytes:
    """The preview of a run's input, as the worker makes it."""
    return orjson.dumps(preview(RunDocument(document)))
