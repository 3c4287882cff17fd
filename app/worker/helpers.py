"""The tasks beside a worker's exchange with PostgreSQL: its chores, its triggers, the watch over its lease."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from app.settings import Settings
from app.worker.chores.hints import HintHandlers
from app.worker.chores.roster import chores
from app.worker.parts import Parts
from app.worker.questions import CHOICES, TESTS, Answerer
from app.worker.triggers.roster import TriggerHints, trigger_chores
from app.worker.wake import Wake

Helpers = Sequence[asyncio.Task[None]]


@asynccontextmanager
async def helpers_of(
    settings: Settings,
    parts: Parts,
    wake: Wake,
    stopping: Callable[[], bool],
    *beside: Callable[[], Coroutine[Any, Any, None]],
) -> AsyncIterator[Helpers]:
    """All of them, at work while this lasts; `beside` are those of the worker itself.

    `wake` is set when there may be something to run, `stopping` tells whether nothing more is to be begun.
    """
    held = parts.held
    tests, choices = (
        Answerer(kind, parts.contexts, parts.packages, worker_id=lambda: held.worker_id, stopping=stopping)
        for kind in (TESTS, CHOICES)
    )
    hints = TriggerHints()
    handlers = HintHandlers(
        wake=wake.set,
        abort=held.abort,
        packages=parts.packages.hint.set,
        questions=partial(_set_all, tests.hint, choices.hint),
        hooks=hints.arrange.set,
        triggers=partial(_set_all, hints.poll, hints.listen),
    )
    async with (
        tests,
        choices,
        chores(settings, parts.database, handlers, held.read_progress, parts.known_problems) as roster,
        trigger_chores(
            parts.contexts,
            settings,
            worker_id=lambda: held.worker_id,
            stopping=stopping,
            lacked=parts.packages.lacked_now,
            hints=hints,
        ) as more,
    ):
        further = (parts.packages.chore(), tests.chore(), choices.chore())
        work = [*beside, *(chore.run for chore in (*roster, *more, *further))]
        async with _at_work([each() for each in work]) as helpers:
            yield helpers


def _set_all(*hints: asyncio.Event) -> None:
    for hint in hints:
        hint.set()


@asynccontextmanager
async def _at_work(work: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[Helpers]:
    """A task for each; all of them have ended afterwards."""
    helpers = [asyncio.create_task(each) for each in work]
    try:
        yield helpers
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


def refuse_to_go_on_without(helpers: Helpers) -> None:
    """Raise what ended one of the tasks that a worker needs: a worker without a beat must not go on."""
    for helper in helpers:
        if helper.done() and not helper.cancelled() and (error := helper.exception()) is not None:
            raise error
