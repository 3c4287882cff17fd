"""Triggers that look for something new: by one worker at a time, with what they keep, and none is lost."""

import asyncio

import orjson

from app.engine.run.errors import NodeError
from app.packages.host_calls import ComputedTooLong
from app.repository import polls, projects, triggers, workers, workflows
from app.repository.notifications import NEW_CHANNEL, TRIGGERS_CHANNEL, listen
from app.repository.triggers import NewSchedule
from app.worker.chores.schedules import fire_due
from app.worker.triggers.polling import PAUSE_SECONDS, Polling
from tests.worker.triggers.conftest import station, triggered, until
from tests.workflows import node, stored

DUE = "SELECT p.due_at IS NOT NULL, p.worker_id FROM polls AS p"


def polling(place, worker_id: int, *, stopping: bool = False) -> Polling:
    return Polling(place.contexts, worker_id=lambda: worker_id, stopping=lambda: stopping)


def activate(queue) -> None:
    queue.save(triggered())
    polls.register(queue.connection, "w1", ["Start"])


def ask(queue) -> None:
    polls.ask(queue.connection, "w1", "Start")


def test_what_is_new_becomes_an_execution_and_what_is_kept_stays_either_way(queue, database_url, started) -> None:
    activate(queue)
    counts = []

    async def look(context):
        seen = context.read_static_data().get("seen", 0)
        counts.append(seen)
        context.save_static_data({"seen": seen + 1})
        return [[{"json": {"n": seen}}, {"json": {"n": -seen}}]] if seen else None

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as worker:
                for number in range(3):
                    await worker._step()
                    await until(lambda: queue.connection.execute(DUE).fetchone() == (False, None))
                    assert len(started()) == number, "the first look has found nothing"
                    ask(queue)

    asyncio.run(main())
    assert counts == [0, 1, 2]
    assert [(status, orjson.loads(items)) for status, items, _ in started()] == [
        ("new", [{"json": {"n": n}}, {"json": {"n": -n}}]) for n in (1, 2)
    ]


def test_two_workers_and_two_schedules_look_once_at_a_time(queue, database_url) -> None:
    activate(queue)
    within, most, looks = 0, 0, 0
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def look(context):
        nonlocal within, most, looks
        within, looks = within + 1, looks + 1
        most = max(most, within)
        begun.set()
        await go_on.wait()
        within -= 1

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as one, polling(place, place.register()) as other:
                await asyncio.gather(one._step(), other._step())
                await begun.wait()
                ask(queue)  # of two schedules that become due while it looks
                ask(queue)
                await asyncio.gather(one._step(), other._step())
                go_on.set()
                await until(lambda: queue.connection.execute(DUE).fetchone() == (True, None))
                await asyncio.gather(one._step(), other._step())
                await until(lambda: queue.connection.execute(DUE).fetchone() == (False, None))

    asyncio.run(main())
    assert (most, looks) == (1, 2)


def test_what_a_lost_worker_was_to_look_for_is_looked_for_by_another(queue, database_url, started) -> None:
    activate(queue)
    begun = asyncio.Event()
    answers = iter([None, [[{"json": {"by": "other"}}]]])
    late = asyncio.Event()

    async def look(context):
        if begun.is_set():
            return next(answers)
        begun.set()
        next(answers)
        await late.wait()
        return [[{"json": {"by": "lost"}}]]

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            lost_id = place.register()
            async with polling(place, lost_id) as lost, polling(place, place.register()) as other:
                await lost._step()
                await begun.wait()
                await other._step()
                assert queue.connection.execute(DUE).fetchone() == (True, lost_id), "nobody else while it lives"
                workers.retire(queue.connection, lost_id)
                await other._step()
                await until(started)
                late.set()
                await until(lambda: not lost.by_project)

    asyncio.run(main())
    assert [orjson.loads(items) for _, items, _ in started()] == [[{"json": {"by": "other"}}]], "it came too late"


def test_a_failure_becomes_an_execution_as_n8n_records_it_and_the_next_look_comes(queue, database_url, started) -> None:
    activate(queue)
    errors = iter([NodeError("The far side is down"), ValueError("a fault of the node")])

    async def look(context):
        raise next(errors)

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as worker:
                for number in (1, 2):
                    await worker._step()
                    await until(lambda number=number: len(started()) == number)
                    ask(queue)

    asyncio.run(main())
    assert [(status, message) for status, _, message in started()] == [
        ("error", "The far side is down"),
        ("error", "The trigger has failed: ValueError"),
    ]
    execution_id = queue.connection.execute("SELECT min(id) FROM executions").fetchone()[0]
    data = queue.data(execution_id)
    [run] = data["resultData"]["runData"]["Start"]
    assert data["resultData"]["error"]["message"] == run["error"]["message"] == "The far side is down"
    assert data["resultData"]["lastNodeExecuted"] == "Start"
    [due] = data["executionData"]["nodeExecutionStack"]
    assert (due["node"]["name"], due["data"]["main"]) == ("Start", [[{"json": {}, "pairedItem": {"item": 0}}]])
    assert queue.get(execution_id).mode == "trigger"


def test_one_that_computes_without_end_rests_until_its_workflow_is_changed(queue, database_url, started) -> None:
    activate(queue)
    looks = []

    async def look(context):
        looks.append(context.parameters)
        raise ComputedTooLong("The node computed for more than 30 seconds without a pause, and was ended")

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as worker:
                for parameters in ({}, {}, {"changed": True}):
                    workflows.save_workflow(queue.connection, "w1", name="w1", definition=triggered(**parameters))
                    ask(queue)
                    await worker._step()
                    await until(lambda: queue.connection.execute(DUE).fetchone() == (False, None))

    asyncio.run(main())
    assert looks == [{}, {"changed": True}]
    assert [status for status, *_ in started()] == ["error", "error"]


def test_a_look_ends_when_its_workflow_is_not_active_any_more(queue, database_url) -> None:
    """Else it would go on beside the next one, or take the place of another of its project."""
    activate(queue)
    begun, within = 0, 0

    async def look(context):
        nonlocal begun, within
        begun, within = begun + 1, within + 1
        try:
            await asyncio.Event().wait()
        finally:
            within -= 1

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as worker:
                await worker._step()
                await until(lambda: begun == 1)
                await worker._step()
                assert within == 1, "as long as it is wanted"
                polls.register(queue.connection, "w1", [])
                polls.register(queue.connection, "w1", ["Start"])
                await worker._step()
                await until(lambda: begun == 2)
                assert within == 1

    asyncio.run(main())


def test_a_schedule_asks_for_a_look_and_starts_nothing(queue, started) -> None:
    activate(queue)
    queue.connection.execute("UPDATE polls SET due_at = NULL")
    rule = {"timezone": "UTC", "unit": "cron", "every": 1, "bare": True, "cron": "7 * * * * *", "polls": True}
    with queue.connection.transaction():
        due = queue.connection.execute("SELECT now()").fetchone()[0]
        triggers.register(queue.connection, "w1", [], [NewSchedule("Start", 0, orjson.dumps(rule), due)])
    with queue.connection.transaction():
        fire_due(queue.connection, fires_missed=True)
    assert queue.connection.execute(DUE).fetchone() == (True, None)
    assert started() == []


def test_a_worker_that_is_told_to_go_begins_no_look(queue, database_url) -> None:
    activate(queue)

    async def main() -> None:
        with station(database_url, queue.connection, poll=None) as place:
            async with polling(place, place.register(), stopping=True) as worker:
                await worker._step()

    asyncio.run(main())
    assert queue.connection.execute(DUE).fetchone() == (True, None)


def test_a_worker_without_the_nodes_package_leaves_it_to_others(queue, database_url, started) -> None:
    queue.save(stored(trigger=node("Start", "n8n-nodes-elsewhere.trigger")))
    polls.register(queue.connection, "w1", ["Start"])

    async def main() -> None:
        with station(database_url, queue.connection, poll=None) as place:
            async with polling(place, place.register()) as worker:
                await worker._step()
                await until(lambda: not worker.by_project)

    asyncio.run(main())
    assert queue.connection.execute(DUE).fetchone() == (True, None)
    assert started() == []


def test_a_project_whose_far_sides_are_slow_leaves_room_to_others(queue, database_url) -> None:
    projects.create_project(queue.connection, "slow", "slow")
    for number in range(12):
        workflows.create_workflow(
            queue.connection, f"s{number}", project_id="slow", name="s", definition=triggered(slow=True)
        )
        polls.register(queue.connection, f"s{number}", ["Start"])
    activate(queue)
    looked = asyncio.Event()

    async def look(context):
        if not context.parameters:
            looked.set()
        await asyncio.Event().wait()

    async def main() -> None:
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as worker:
                for _ in range(2):
                    await worker._step()
                async with asyncio.timeout(60):
                    await looked.wait()
                assert worker.by_project.total() == 6

    asyncio.run(main())


def test_who_asks_tells_the_workers_and_one_with_nothing_to_do_looks_seldom(queue, database_url) -> None:
    go_on = asyncio.Event()

    async def look(context):
        await go_on.wait()

    async def main() -> None:
        hints = listen(database_url)
        assert (await anext(hints)).channel == NEW_CHANNEL
        activate(queue)
        assert (await anext(hints)).channel == TRIGGERS_CHANNEL
        with station(database_url, queue.connection, poll=look) as place:
            async with polling(place, place.register()) as worker:
                assert await worker._step() == PAUSE_SECONDS
                ask(queue)
                assert (await anext(hints)).channel == TRIGGERS_CHANNEL
                assert await worker._step() == PAUSE_SECONDS, "somebody has asked while it looks"
                go_on.set()
                await until(lambda: not worker.by_project)
                assert await worker._step() == PAUSE_SECONDS
                await until(lambda: not worker.by_project)
                assert await worker._step() > PAUSE_SECONDS
        await hints.aclose()

    asyncio.run(main())
