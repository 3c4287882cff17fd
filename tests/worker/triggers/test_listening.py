"""Triggers with a connection: one worker holds each, what it hears is recorded first, and it moves with its worker."""

import asyncio
from collections import Counter

import orjson
import pytest

from app.engine.run.errors import NodeError
from app.packages.host_calls import ComputedTooLong
from app.repository import listeners, workers, workflows
from app.repository.notifications import NEW_CHANNEL, TRIGGERS_CHANNEL, listen
from app.worker.triggers import listening as listening_module
from app.worker.triggers.listening import Listening
from tests.worker.triggers.conftest import station, triggered, until


def listening(place, worker_id: int, *, most: int = 100, stopping=lambda: False) -> Listening:
    return Listening(place.contexts, worker_id=lambda: worker_id, stopping=stopping, most=most)


def activate(queue, number: int = 1) -> None:
    for each in range(1, number + 1):
        queue.save(triggered(), f"w{each}")
        listeners.register(queue.connection, f"w{each}", ["Start"], most=number)


class Ears:
    """A listener that a test plays: who listens now, and how to let it hear something."""

    def __init__(self) -> None:
        self.open: dict[str, int] = Counter()
        self.most = 0
        self.emit = {}

    async def listen(self, context, emit) -> None:
        workflow_id = context.state.graph.id
        self.open[workflow_id] += 1
        self.most = max(self.most, *self.open.values())
        self.emit[workflow_id] = emit
        try:
            await asyncio.Event().wait()
        finally:
            self.open[workflow_id] -= 1

    @property
    def listens(self) -> int:
        return sum(self.open.values())


def test_it_is_held_by_one_and_moves_when_that_one_goes(queue, database_url, started) -> None:
    activate(queue)
    ears = Ears()

    async def main() -> None:
        with station(database_url, queue.connection, listen=ears.listen) as place:
            first_id = place.register()
            leaving = []
            first = listening(place, first_id, stopping=lambda: bool(leaving))
            async with first, listening(place, place.register()) as other:
                await asyncio.gather(first._step(), other._step())
                await until(lambda: ears.listens)
                for _ in range(3):
                    await asyncio.gather(first._step(), other._step())
                holder = "SELECT l.worker_id FROM listeners AS l"
                held_by = queue.connection.execute(holder).fetchone()[0]
                await ears.emit["w1"]([[{"json": {"n": 1}}]])
                assert len(started()) == 1, "recorded before it returns"
                keeper, heir = (first, other) if held_by == first_id else (other, first)
                if keeper is first:
                    leaving.append(True)
                    await first._step()
                else:
                    workers.retire(queue.connection, held_by)
                    await other._step()
                assert ears.listens == 0, "it lets go before others may take over"
                await heir._step()
                await until(lambda: ears.listens)

    asyncio.run(main())
    assert ears.most == 1
    assert ears.listens == 0


def test_what_a_lost_worker_hears_too_late_is_not_recorded(queue, database_url, started) -> None:
    activate(queue)
    ears = Ears()

    async def main() -> None:
        with station(database_url, queue.connection, listen=ears.listen) as place:
            lost_id = place.register()
            async with listening(place, lost_id) as lost, listening(place, place.register()) as other:
                await lost._step()
                await until(lambda: ears.listens)
                late = ears.emit["w1"]
                workers.retire(queue.connection, lost_id)
                await other._step()
                await until(lambda: ears.emit["w1"] is not late)
                with pytest.raises(listening_module.HeldNoMore):
                    await late([[{"json": {"late": True}}]])
                await ears.emit["w1"]([[{"json": {"late": False}}]])

    asyncio.run(main())
    assert [orjson.loads(items) for _, items, _ in started()] == [[{"json": {"late": False}}]]


def test_they_are_spread_over_those_who_live_and_bounded(queue, database_url) -> None:
    activate(queue, 6)
    ears = Ears()
    counts = "SELECT count(*) FROM listeners AS l GROUP BY l.worker_id ORDER BY 1"

    def held() -> list[int]:
        return [row[0] for row in queue.connection.execute(counts)]

    async def main() -> None:
        with station(database_url, queue.connection, listen=ears.listen) as place:
            async with listening(place, place.register()) as one, listening(place, place.register(), most=2) as other:
                await one._step()
                assert held() == [6]
                for _ in range(2):
                    await other._step()
                    await one._step()
                assert held() == [2, 4], "one has its bound, and the other what is left"
                await until(lambda: ears.listens == 6)

    asyncio.run(main())
    assert ears.most == 1


@pytest.mark.parametrize(
    ("number", "slots", "share"),
    [
        (6, [100, 100], 3),
        (7, [100, 100], 4),
        (6, [2, 100], 4),
        (9, [2, 2], 2),
        (5, [1, 2, 9], 2),
        (0, [3], 0),
        (3, [], 0),
    ],
)
def test_each_holds_the_same_but_those_who_are_full(number: int, slots: list[int], share: int) -> None:
    assert listeners.share_of(number, slots) == share


def test_deactivated_it_listens_no_more_and_saved_anew_it_listens_as_it_is_now(queue, database_url) -> None:
    activate(queue)
    heard = []

    async def listen(context, emit) -> None:
        heard.append(context.parameters)
        await asyncio.Event().wait()

    async def main() -> None:
        with station(database_url, queue.connection, listen=listen) as place:
            async with listening(place, place.register()) as worker:
                await worker._step()
                await until(lambda: len(heard) == 1)
                workflows.save_workflow(queue.connection, "w1", name="w1", definition=triggered(changed=True))
                await worker._step()
                await until(lambda: len(heard) == 2)
                listeners.register(queue.connection, "w1", [], most=0)
                await worker._step()
                assert worker._tasks == {}

    asyncio.run(main())
    assert heard == [{}, {"changed": True}]


@pytest.mark.parametrize(
    ("kind", "good_seconds"),
    [(NodeError, listening_module.GOOD_SECONDS), (ComputedTooLong, 0.0)],
    ids=["soon", "after it has computed for long"],
)
def test_it_tries_again_and_says_once_what_is_wrong(
    queue, database_url, started, monkeypatch, kind, good_seconds
) -> None:
    activate(queue)
    monkeypatch.setattr(listening_module, "GOOD_SECONDS", good_seconds)
    monkeypatch.setattr(listening_module, "MAX_PAUSE", 0.01)
    attempts = []

    async def listen(context, emit) -> None:
        attempts.append(1)
        if len(attempts) < 5:
            raise kind("The far side is down")
        await asyncio.Event().wait()

    async def main() -> None:
        with station(database_url, queue.connection, listen=listen) as place:
            async with listening(place, place.register()) as worker:
                await worker._step()
                await until(lambda: len(attempts) == 5)

    asyncio.run(main())
    assert [(status, message) for status, _, message in started()] == [("error", "The far side is down")]


def test_a_project_can_have_so_many_and_keeps_those_that_it_has(queue) -> None:
    activate(queue, 2)
    queue.save(triggered(), "w3")
    with pytest.raises(listeners.TooMany, match="hold 2 connections by their triggers, and 2 is the most"):
        listeners.register(queue.connection, "w3", ["Start"], most=2)
    listeners.register(queue.connection, "w3", [], most=0)
    listeners.register(queue.connection, "w1", ["Start"], most=1)
    listeners.register(queue.connection, "w2", [], most=0)
    listeners.register(queue.connection, "w1", ["Start", "More"], most=2)


def test_workers_are_told_what_is_to_be_listened_for_and_one_that_holds_nothing_looks_seldom(
    queue, database_url
) -> None:
    ears = Ears()

    async def main() -> None:
        hints = listen(database_url)
        assert (await anext(hints)).channel == NEW_CHANNEL
        with station(database_url, queue.connection, listen=ears.listen) as place:
            leaving = []
            async with listening(place, place.register(), stopping=lambda: bool(leaving)) as worker:
                assert await worker._step() > listening_module.PAUSE_SECONDS
                activate(queue)
                assert (await anext(hints)).channel == TRIGGERS_CHANNEL
                assert await worker._step() == listening_module.PAUSE_SECONDS
                leaving.append(True)
                assert await worker._step() > listening_module.PAUSE_SECONDS
                assert (await anext(hints)).channel == TRIGGERS_CHANNEL, "others may take it over"
        await hints.aclose()

    asyncio.run(main())
