"""What triggers arrange with providers: by one worker, in order, and told when it fails."""

import asyncio

import orjson

from app.engine.run.errors import NodeError
from app.repository import projects, static_data, trigger_hooks, workers, workflows
from app.repository.notifications import HOOKS_CHANNEL, NEW_CHANNEL, listen
from app.repository.trigger_hooks import NewHook
from app.worker.triggers import arranging as arranging_module
from app.worker.triggers.arranging import Arranging
from tests.patience import PATIENCE_SECONDS
from tests.worker.triggers.conftest import station, triggered, until

HOOK = NewHook("Start", b'{"default":"http://here"}')


def ask(queue, *actions: str, workflow_id: str = "w1") -> list[int]:
    version_id = workflows.get_workflow(queue.connection, workflow_id).version_id
    asked = [trigger_hooks.ask(queue.connection, workflow_id, version_id, action, [HOOK]) for action in actions]
    return [number for numbers in asked for number in numbers]


def test_one_worker_does_it_in_order_and_what_is_kept_stays(queue, database_url) -> None:
    queue.save(triggered())
    done = []

    async def arrange(context, action, urls) -> None:
        done.append((action, urls["default"]))
        context.save_static_data({"hook": len(done)})

    async def main() -> None:
        with station(database_url, queue.connection, arrange=arrange) as place:
            one_id, other_id = place.register(), place.register()
            one = Arranging(place.contexts, worker_id=lambda: one_id, stopping=lambda: False, hint=asyncio.Event())
            other = Arranging(place.contexts, worker_id=lambda: other_id, stopping=lambda: False, hint=asyncio.Event())
            async with one, other:
                while len(trigger_hooks.read_ended(queue.connection, ids)) < 3:
                    await asyncio.gather(one._step(), other._step())
                    await until(lambda: not one._tasks and not other._tasks)

    ids = ask(queue, "create", "delete", "create")
    asyncio.run(main())
    assert done == [(action, "http://here") for action in ("create", "delete", "create")]
    assert trigger_hooks.read_ended(queue.connection, ids) == [("Start", None)] * 3
    assert orjson.loads(static_data.read_parts(queue.connection, "w1")["node:Start"]) == {"hook": 3}


def test_a_failure_is_told_and_a_lost_workers_is_done_by_another(queue, database_url) -> None:
    queue.save(triggered())
    begun = asyncio.Event()

    async def arrange(context, action, urls) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        raise NodeError("No more webhooks", description="You have 10 of 10")

    async def main() -> None:
        with station(database_url, queue.connection, arrange=arrange) as place:
            lost_id, other_id = place.register(), place.register()
            lost = Arranging(place.contexts, worker_id=lambda: lost_id, stopping=lambda: False, hint=asyncio.Event())
            other = Arranging(place.contexts, worker_id=lambda: other_id, stopping=lambda: False, hint=asyncio.Event())
            async with lost, other:
                await lost._step()
                await begun.wait()
                await other._step()
                assert not other._tasks, "nobody else while it lives"
                workers.retire(queue.connection, lost_id)
                await other._step()
                await until(lambda: trigger_hooks.read_ended(queue.connection, ids))

    ids = ask(queue, "create")
    asyncio.run(main())
    assert trigger_hooks.read_ended(queue.connection, ids) == [("Start", "No more webhooks (You have 10 of 10)")]
    trigger_hooks.withdraw(queue.connection, ids)
    assert trigger_hooks.read_ended(queue.connection, ids) == []


def test_a_project_whose_providers_are_slow_leaves_room_to_others(queue, database_url) -> None:
    projects.create_project(queue.connection, "slow", "slow")
    for number in range(12):
        workflows.create_workflow(
            queue.connection, f"s{number}", project_id="slow", name="s", definition=triggered(slow=True)
        )
        ask(queue, "create", workflow_id=f"s{number}")
    queue.save(triggered())
    ask(queue, "create")
    arranged = asyncio.Event()

    async def arrange(context, action, urls) -> None:
        if not context.parameters:
            arranged.set()
        await asyncio.Event().wait()

    async def main() -> None:
        with station(database_url, queue.connection, arrange=arrange) as place:
            worker_id = place.register()
            async with Arranging(
                place.contexts, worker_id=lambda: worker_id, stopping=lambda: False, hint=asyncio.Event()
            ) as worker:
                for _ in range(2):
                    await worker._step()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await arranged.wait()
                assert worker.by_project.total() == 6

    asyncio.run(main())


def test_what_found_no_room_is_done_as_soon_as_there_is_some(queue, database_url, monkeypatch) -> None:
    monkeypatch.setattr(arranging_module, "BUSY", 1)
    monkeypatch.setattr(arranging_module, "IN_A_STEP", 1)
    monkeypatch.setattr(arranging_module, "LOOK_SECONDS", 1e6)
    for number in range(2):
        workflows.create_workflow(
            queue.connection, f"s{number}", project_id="default", name="s", definition=triggered()
        )
        ask(queue, "create", workflow_id=f"s{number}")
    done = []

    async def arrange(context, action, urls) -> None:
        done.append(action)

    async def main() -> None:
        with station(database_url, queue.connection, arrange=arrange) as place:
            worker_id, hint = place.register(), asyncio.Event()
            async with Arranging(
                place.contexts, worker_id=lambda: worker_id, stopping=lambda: False, hint=hint
            ) as worker:
                running = asyncio.ensure_future(worker.chore().run())
                try:
                    await until(lambda: len(done) == 2)
                finally:
                    running.cancel()

    asyncio.run(main())


def test_nothing_is_begun_by_who_is_told_to_go(queue, database_url) -> None:
    queue.save(triggered())

    async def main() -> int:
        with station(database_url, queue.connection) as place:
            worker_id = place.register()
            async with Arranging(
                place.contexts, worker_id=lambda: worker_id, stopping=lambda: True, hint=asyncio.Event()
            ) as worker:
                await worker._step()
                return len(worker._tasks)

    ask(queue, "create")
    assert asyncio.run(main()) == 0


def test_who_asks_for_something_or_leaves_it_to_others_tells_the_workers(queue, database_url) -> None:
    queue.save(triggered())

    async def told() -> list[str]:
        hints = listen(database_url)
        channels = [(await anext(hints)).channel]
        ask(queue, "create")
        channels.append((await anext(hints)).channel)
        worker_id = workers.register(queue.connection, hostname="here", pid=1, concurrency=1)
        [hook] = trigger_hooks.take(queue.connection, worker_id, 1)
        trigger_hooks.give_back(queue.connection, worker_id, hook)
        channels.append((await anext(hints)).channel)
        await hints.aclose()
        return channels

    assert asyncio.run(told()) == [NEW_CHANNEL, HOOKS_CHANNEL, HOOKS_CHANNEL]
