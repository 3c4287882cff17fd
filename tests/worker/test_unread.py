"""Executions that come to no run: stopped while they read what they begin with, or unable to read it."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import MagicMock
from uuid import uuid4

import orjson
import pytest
from psycopg.conninfo import make_conninfo

from app.engine import nodes
from app.engine.run import run as engine_run
from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from app.repository import executions, lifecycle, retries, workflows
from app.repository.connection import connect, open_pool
from app.repository.execution_data import read_data
from app.repository.executions import ExecutionInput
from app.repository.lifecycle import Claim, Result, StartInput
from app.repository.restarts import Restart
from app.worker import held_executions, refusals, run_requests, runs
from app.worker.database import Database
from app.worker.exchange import Assignment, Exchange
from app.worker.given import MANY_BYTES
from app.worker.held_executions import Held
from tests.repository.given import a_worker, a_workflow, lose_large_values
from tests.worker.test_large_records import incompressible
from tests.workflows import no_op, stored

MANY_ITEMS = orjson.dumps([{"json": {"n": n, "text": "x" * 500}} for n in range(2_001)])
DATA = b'{"resultData":{"runData":{}},"more":"' + b"x" * MANY_BYTES + b'"}'

SMALL = b'{"resultData":{"runData":{}}}'


def assigned(*, unread: bool) -> Assignment:
    claim = Claim(7, "w1", uuid4(), "default", "manual", None, False, False, None)
    given = ExecutionInput(items=None if unread else MANY_ITEMS, unread=unread)
    return Assignment(claim, orjson.loads(stored(no_op())), given, None)


@pytest.mark.parametrize("handing_over", [False, True], ids=["stopped", "handed over"])
@pytest.mark.parametrize("reading", ["read_given", "request_for", "_begin"])
def test_a_stop_while_it_reads_leaves_a_result_and_gives_its_place_back(monkeypatch, reading, handing_over) -> None:
    begun, end = threading.Event(), threading.Event()

    def read(*_: object, **__: object) -> None:
        begun.set()
        while not end.is_set():
            time.sleep(0.01)

    monkeypatch.setattr(engine_run if reading == "_begin" else run_requests, reading, read)
    ports = Ports(meter=Meter(share=MagicMock()))

    async def stop(threads: ThreadPoolExecutor) -> None:
        database = Database(MagicMock(), threads)
        held = Held(MagicMock(), nodes.load(), lambda _: ports, database, MagicMock())
        held.handing_over = handing_over
        task = held.start(assigned(unread=reading == "read_given"))
        await asyncio.to_thread(begun.wait)
        held.abort(7)
        outcome = await task
        [result] = held.unrecorded.take()
        assert (outcome.status, result.data) == ("canceled", None)
        assert result.status == ("waiting" if handing_over else "canceled")
        assert (held.running, held.places, held.read_progress()) == ({}, 0, ({}, set()))
        assert ports.meter.share.end.call_count == 1

    with ThreadPoolExecutor(1) as threads:
        try:
            asyncio.run(stop(threads))
        finally:
            end.set()


def test_whatever_ends_a_run_gives_its_place_back(monkeypatch) -> None:
    async def broken(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(held_executions, "run", broken)
    ports = Ports(meter=Meter(share=MagicMock()))

    async def go() -> None:
        held = Held(MagicMock(), nodes.load(), lambda _: ports, MagicMock(), MagicMock())
        await asyncio.wait([held.start(assigned(unread=True))])
        assert (held.running, held.places, held.read_progress()) == ({}, 0, ({}, set()))
        assert ports.meter.share.end.call_count == 1

    asyncio.run(go())


def test_one_for_which_nothing_can_be_made_ready_ends_and_gives_its_place_back() -> None:
    def broken(_: Assignment) -> Ports:
        raise KeyError("webhookCall")

    async def go() -> None:
        held = Held(MagicMock(), nodes.load(), broken, MagicMock(), MagicMock())
        assert await held.start(assigned(unread=True)) is None
        [result] = held.unrecorded.take()
        assert (result.status, result.data, result.error_message) == ("error", None, runs.BROKEN)
        assert (held.running, held.places, held.read_progress()) == ({}, 0, ({}, set()))

    asyncio.run(go())


@pytest.fixture
def worker_id(connection) -> int:
    a_workflow(connection)
    return a_worker(connection)


def queued(connection, items: bytes | None = None, retry_of: int | None = None) -> int:
    target = workflows.get_workflow(connection, "w1").target
    mode = "manual" if retry_of is None else "retry"
    return lifecycle.create_execution(connection, target, StartInput(items=items), mode=mode, retry_of=retry_of)


def one_that_waits(connection, worker_id: int, call: bytes) -> int:
    """It has large data, and goes on with what a call brings."""
    queued(connection)
    [claim] = lifecycle.claim(connection, worker_id, 1)
    lifecycle.finish(connection, worker_id, [Result(claim.id, "waiting", "manual", DATA, resume_on="webhook")])
    lifecycle.resume_by_webhook(connection, claim.id, call)
    connection.commit()
    return claim.id


def one_that_failed(connection, worker_id: int, data: bytes) -> int:
    queued(connection)
    [claim] = lifecycle.claim(connection, worker_id, 1)
    lifecycle.finish(connection, worker_id, [Result(claim.id, "error", "manual", data)])
    return claim.id


def a_retry(connection, worker_id: int, data: bytes = DATA, items: bytes | None = None) -> int:
    """What it retries has failed with that data."""
    retry = queued(connection, items, one_that_failed(connection, worker_id, data))
    connection.commit()
    return retry


@contextmanager
def claimed(url: str, worker_id: int, reading_url: str | None = None):
    """The one assignment that there is, and where its run reads the rest."""
    with (
        open_pool(url, size=1, name="worker") as pool,
        open_pool(reading_url or url, size=1, name="large") as large,
        ThreadPoolExecutor(1) as threads,
    ):
        [assignment] = Exchange(pool, MagicMock(), worker_id, own=nodes.load())([], 9).assignments
        assert assignment.unread
        yield assignment, Database(large, threads)


def run_and_record(connection, worker_id: int, assignment: Assignment, database: Database):
    """The execution as it is recorded then."""
    ended = asyncio.run(runs.run(assignment, MagicMock(), nodes.load(), Ports(), database))
    assert ended.result.status == "error"
    assert lifecycle.finish(connection, worker_id, [ended.result]) == {assignment.claim.id}
    return executions.get_execution(connection, assignment.claim.id)


@pytest.mark.own_database
def test_what_was_recorded_stays_where_postgresql_cannot_read_the_rest(connection, database_url, worker_id) -> None:
    waits = one_that_waits(connection, worker_id, orjson.dumps([{"json": {"text": incompressible()}}]))
    before = executions.get_execution(connection, waits)
    connection.commit()
    with claimed(database_url, worker_id) as (assignment, database):
        lose_large_values(connection, "execution_inputs")
        ended = run_and_record(connection, worker_id, assignment, database)
    assert (ended.status, ended.error_message) == ("error", runs.BROKEN)
    assert (read_data(connection, [waits]), ended.json_size_bytes) == ({waits: DATA}, before.json_size_bytes)


@pytest.mark.parametrize("make", [one_that_waits, a_retry], ids=["wait", "retry"])
def test_what_postgresql_refuses_to_read_each_time_ends_with_an_error(
    connection, database_url, worker_id, monkeypatch, make
) -> None:
    """What it was to go on from stays for a retry."""
    monkeypatch.setattr(refusals, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(run_requests, "ATTEMPTS", 3)
    execution_id = make(connection, worker_id, b"[]") if make is one_that_waits else make(connection, worker_id)
    slow = make_conninfo(database_url, options="-c statement_timeout=20")
    with claimed(database_url, worker_id, slow) as (assignment, database), connect(database_url) as holding:
        holding.execute("LOCK TABLE execution_inputs")
        ended = run_and_record(connection, worker_id, assignment, database)
    said = "could not be read: PostgreSQL has refused it 3 times (canceling statement due to statement timeout)"
    assert said in ended.error_message
    assert list(read_data(connection, [execution_id]).values()) == ([DATA] if make is one_that_waits else [])
    connection.commit()
    queued(connection, retry_of=execution_id)
    connection.commit()
    with claimed(database_url, worker_id) as (assignment, database):
        assert asyncio.run(run_requests.read_unread(assignment, database)).earlier == DATA


@pytest.mark.parametrize("data", [DATA, SMALL], ids=["large", "small"])
def test_a_retry_does_not_start_over_because_what_it_retries_was_deleted(
    connection, database_url, worker_id, data
) -> None:
    """Small data it has by then."""
    retry = a_retry(connection, worker_id, data, orjson.dumps([{"json": {"text": incompressible()}}]))
    with claimed(database_url, worker_id) as (assignment, database):
        connection.execute("DELETE FROM executions WHERE id <> %s", [retry])
        connection.commit()
        if data == SMALL:
            assert asyncio.run(run_requests.read_unread(assignment, database)).earlier == SMALL
            return
        ended = run_and_record(connection, worker_id, assignment, database)
    assert ended.error_message == "What was recorded before is gone. Retry with from: start."
    assert read_data(connection, [retry]) == {}


def test_a_retry_from_the_start_reads_nothing_that_was_recorded(connection, database_url, worker_id) -> None:
    failed = one_that_failed(connection, worker_id, DATA)
    retry = retries.retry(connection, failed, load_workflow=False, restart=Restart("start"))
    connection.commit()
    with open_pool(database_url, size=1, name="worker") as pool:
        [assignment] = Exchange(pool, MagicMock(), worker_id, own=nodes.load())([], 9).assignments
    assert (assignment.claim.id, assignment.unread, assignment.earlier) == (retry, False, None)
