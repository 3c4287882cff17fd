"""A worker looks at the queue where there may be something in it, and not with every result that it hands in."""

import asyncio

from app.worker.wake import Wake


def test_only_a_hint_or_its_absence_for_long_is_a_reason_to_look_at_the_queue() -> None:
    async def reasons() -> list[bool]:
        wake, seen = Wake(), []
        for tell, seconds in ((wake.hand_in, 60), (wake.set, 60), (wake.hand_in, 60), (lambda: None, 0)):
            tell()
            await wake.wait(seconds)
            seen.append(wake.queue_changed)
            wake.queue_changed = False  # it was looked at, and there was room for more than was found
        return seen

    assert asyncio.run(reasons()) == [True, True, False, True], "at first, after a hint, a result, and no word"
