"""What it costs an execution that the console knows of it: its life with and without what is written for pages."""

import random
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import orjson
from psycopg import sql

from app.repository import counters, lifecycle, workers, workflows
from app.repository.connection import Connection, connect
from app.repository.lifecycle import Result, finish_statements, results
from tests.bench.fill import fill, run_data
from tests.bench.report import Report

ROUNDS = 150
WARM_UP = 10
AT_ONCE = 20
THERE = 10_000
PREVIEW = orjson.dumps({"order": "A-4711", "customer": "Ada", "total": 99.5})
COUNTED_ALONE = sql.SQL(", totaled AS ({add})").format(add=counters.COUNT_ONE.format(**finish_statements.ENDED))
"""What is counted of a single end for metrics, which is not for pages."""
WITHOUT = {
    "FINISH": finish_statements.statement_of_one(COUNTED_ALONE),
    "FINISH_MANY": finish_statements.statement_of_many(sql.SQL("")),
}


def report_writes(report: Report, database_url: str) -> None:
    """Milliseconds of an execution that is created, claimed and ended, and their ratio to the same without pages.

    Both take turns, and each is compared with the one beside it: they meet the same load of the machine.
    """
    columns = {"ms": ",.2f", "without": ",.2f", "ratio": ",.3f"}
    with connect(database_url, autocommit=True) as connection, report.table("an execution's life", **columns) as table:
        fill(connection, THERE)
        worker_id = workers.register(connection, hostname="bench", pid=1, concurrency=AT_ONCE)
        for at_once in (1, AT_ONCE):
            with_pages, without = [], []
            for number in range(WARM_UP + ROUNDS):
                pair = {}
                for has_pages in (True, False) if number % 2 else (False, True):
                    with statements({} if has_pages else WITHOUT):
                        pair[has_pages] = live_through(connection, worker_id, at_once, has_pages=has_pages)
                if number >= WARM_UP:  # everything is loaded and planned by then
                    with_pages.append(pair[True])
                    without.append(pair[False])
            ratio = statistics.median(one / beside for one, beside in zip(with_pages, without, strict=True))
            name = "one alone" if at_once == 1 else f"{at_once} together, each"
            table.add(name, statistics.median(with_pages), statistics.median(without), ratio)


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


def live_through(connection: Connection, worker_id: int, number: int, *, has_pages: bool) -> float:
    """Milliseconds that each of so many executions takes from its creation to its end, committed as workers do it."""
    target = workflows.get_workflow(connection, "w1").target
    data = orjson.dumps(run_data(random.Random(number)))
    began = time.perf_counter()
    for _ in range(number):
        with connection.transaction():
            lifecycle.create_execution(connection, target, mode="trigger")
    with connection.transaction():
        claims = lifecycle.claim(connection, worker_id, number)
    ended = [Result(claim.id, "success", claim.mode, data) for claim in claims]
    if has_pages:
        ended = [replace(result, input_preview=PREVIEW) for result in ended]
    with connection.transaction():
        lifecycle.finish(connection, worker_id, ended)
    return (time.perf_counter() - began) * 1000 / number
