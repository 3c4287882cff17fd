"""Records that are recorded alone: one that PostgreSQL refuses keeps no other waiting, and comes to an end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest

from app.repository import executions
from app.repository.connection import open_pool
from app.repository.lifecycle import Result
from app.worker import alone, refusals
from app.worker.alone import Alone
from app.worker.database import LARGE_BYTES
from app.worker.unrecorded import Unrecorded
from tests.patience import PATIENCE_SECONDS
from tests.repository.given import a_running_execution, a_worker, a_workflow

REFUSING = """
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE SQLSTATE '{state}' USING MESSAGE = 'it was too much';
    END $$;
    CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON execution_data
       FOR EACH ROW WHEN (NEW.execution_id = {id} AND length(NEW.encoded) > 20) EXECUTE FUNCTION refuse();
"""


def large(execution_id: int) -> Result:
    return Result(execution_id, "success", "manual", b'"' + b"x" * LARGE_BYTES + b'"')


@pytest.mark.own_database
@pytest.mark.parametrize(
    ("state", "ends"), [("57014", True), ("XX000", True), ("53100", False)], ids=["too long", "too much", "full disk"]
)
def test_a_record_that_is_refused_each_time_comes_last_and_ends_with_an_error(
    connection, database_url, monkeypatch, state, ends
) -> None:
    """But on a full disk it waits for room, and a refusal after that is its first one."""
    monkeypatch.setattr(refusals, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(alone, "NO_ROOM_PAUSE", 0.0)
    monkeypatch.setattr(alone, "ATTEMPTS", 3)
    a_workflow(connection)
    worker_id = a_worker(connection)
    refused, other = (a_running_execution(connection, worker_id) for _ in range(2))
    connection.execute(REFUSING.format(state=state, id=refused))
    connection.commit()

    told: list[int] = []
    attempts: Counter[int] = Counter()

    async def tell(results: list[Result], *_: Any) -> None:
        told.append(results[0].id)

    async def in_thread(work: Callable[[], set[int]]) -> set[int]:
        attempts[work.args[0].id] += 1
        if not ends and attempts[refused] == alone.ATTEMPTS + 1:
            connection.execute(REFUSING.format(state="57014", id=refused))
        elif not ends and attempts[refused] == alone.ATTEMPTS + 2:
            connection.execute("DROP TRIGGER IF EXISTS refuse ON execution_data")
        connection.commit()
        return await asyncio.to_thread(work)

    async def go(pool: Any) -> None:
        unrecorded = Unrecorded(MagicMock())
        parts: Any = MagicMock()
        parts.held.unrecorded, parts.held.let_go = unrecorded, unrecorded.drop
        parts.large_records.in_thread, parts.known_problems = in_thread, None
        lane = Alone(parts, pool, worker_id, MagicMock(lost=False), MagicMock(), tell, MagicMock())
        for execution_id in (refused, other):
            unrecorded.add(large(execution_id))
        recording = asyncio.ensure_future(lane.run())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(unrecorded):
                    await asyncio.sleep(0)
        finally:
            recording.cancel()

    with open_pool(database_url, size=1, name="test") as pool:
        asyncio.run(go(pool))
    assert told == ([refused, other] if state == "XX000" else [other, refused])
    ended = executions.get_execution(connection, refused)
    assert executions.get_execution(connection, other).status == "success"
    if ends:
        assert ended.status == "error"
        assert ended.error_message.startswith("The data of this run could not be stored")
        assert state != "57014" or ended.error_message.endswith(": PostgreSQL has refused it 3 times (it was too much)")
    else:
        assert (ended.status, ended.error_message) == ("success", None)
