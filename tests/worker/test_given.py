"""What executions begin with: what is large of it is left out by the claim, and read by the run."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import MagicMock

import orjson
import psycopg
import pytest

from app.engine import nodes
from app.repository import lifecycle, workflows
from app.repository.connection import open_pool
from app.repository.lifecycle import Result, StartInput
from app.worker import run_requests
from app.worker.database import Database
from app.worker.exchange import Exchange
from app.worker.given import MANY_BYTES, MANY_STORED_BYTES
from app.worker.runs import hand_over_result
from tests.repository.given import a_worker, a_workflow
from tests.worker.test_large_records import incompressible

DUE = "2020-01-01"


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("what", ["items", "wait", "call", "retry", "retry of a retry"])
def test_what_is_large_is_left_out_by_the_claim_and_read_by_the_run(
    connection, database_url, monkeypatch, what, large
) -> None:
    """Also where PostgreSQL cannot be reached at first; and by the next one, if it was handed over before it began."""
    a_workflow(connection)
    worker_id = a_worker(connection)
    target = workflows.get_workflow(connection, "w1").target
    items = orjson.dumps([{"json": {"text": incompressible() if large else "short"}}])
    data = b'{"resultData":{"runData":{}},"more":"' + b"x" * (MANY_BYTES if large else 9) + b'"}'
    assert not large or len(items) > MANY_STORED_BYTES

    def queued(start: StartInput, retry_of: int | None = None) -> int:
        mode = "manual" if retry_of is None else "retry"
        return lifecycle.create_execution(connection, target, start, mode=mode, retry_of=retry_of)

    first = queued(StartInput(items=items if what == "items" else None))
    expected = first
    if what != "items":
        [claim] = lifecycle.claim(connection, worker_id, 1)
        status = {"wait": ("waiting", DUE), "call": ("waiting", None, "webhook")}.get(what, ("error",))
        ended = dict(zip(("status", "wait_till", "resume_on"), status, strict=False))
        lifecycle.finish(connection, worker_id, [Result(claim.id, mode="manual", data=data, **ended)])
        if what == "call":
            lifecycle.resume_by_webhook(connection, claim.id, items)
        elif what != "wait":
            expected = queued(StartInput(), first)
        if what == "retry of a retry":
            lifecycle.stop(connection, expected)
            expected = queued(StartInput(), expected)
    connection.commit()
    with open_pool(database_url, size=1, name="worker") as pool, ThreadPoolExecutor(1) as threads:
        exchange = Exchange(pool, MagicMock(), worker_id, own=nodes.load())
        [assignment] = exchange([], 9).assignments
        assert (assignment.claim.id, assignment.unread) == (expected, large)
        if large:
            assert (assignment.input.items, assignment.input.resume_items, assignment.earlier) == (None, None, None)
        unread = Result(expected, "canceled", assignment.claim.mode, None)
        [handed] = exchange([hand_over_result(unread)], 9).assignments
        assert replace(handed.claim, waited_seconds=None) == replace(assignment.claim, waited_seconds=None)
        assert (handed.input, handed.earlier, handed.unread) == (assignment.input, assignment.earlier, large)
        database = Database(pool, threads)
        reads, send = [], database.send

        async def broken_at_first(*given, **options):
            reads.append(given)
            if len(reads) == 1:
                raise psycopg.OperationalError("lost")
            return await send(*given, **options)

        monkeypatch.setattr(database, "send", broken_at_first)
        monkeypatch.setattr(run_requests, "MAX_PAUSE", 0.1)
        if large:
            assignment = asyncio.run(run_requests.read_unread(handed, database))
    assert len(reads) == (2 if large else 0)
    assert assignment.input.items == (items if what == "items" else None)
    assert assignment.input.resume_items == (items if what == "call" else None)
    assert assignment.earlier == (None if what == "items" else data)
    assert not assignment.unread
