"""The chores of a worker for triggers that act by themselves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.repository.connection import Connection
from app.settings import Settings
from app.worker.chores.chore import Chore
from app.worker.triggers.arranging import Arranging
from app.worker.triggers.contexts import TriggerContexts
from app.worker.triggers.listening import Listening
from app.worker.triggers.polling import Polling


@dataclass(frozen=True, slots=True)
class TriggerHints:
    """Set when something is to be arranged with a provider, a trigger is to look, others are to be listened for."""

    arrange: asyncio.Event = field(default_factory=asyncio.Event)
    poll: asyncio.Event = field(default_factory=asyncio.Event)
    listen: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def trigger_chores(
    contexts: TriggerContexts,
    settings: Settings,
    *,
    worker_id: Callable[[], int],
    stopping: Callable[[], bool],
    lacked: Callable[[Connection], Sequence[str]],
    hints: TriggerHints,
) -> AsyncIterator[list[Chore]]:
    """All of them; what goes on is cut short at the end.

    `worker_id` tells under which registration, `stopping` whether nothing more is to be begun, `lacked` which types of
    nodes cannot run here.
    """
    address, most = settings.webhook_url, settings.listeners
    async with (
        Polling(contexts, worker_id=worker_id, stopping=stopping, address=address, lacked=lacked) as polling,
        Arranging(contexts, worker_id=worker_id, stopping=stopping, hint=hints.arrange) as arranging,
        Listening(contexts, worker_id=worker_id, stopping=stopping, most=most, address=address) as listening,
    ):
        yield [polling.chore(hints.poll), listening.chore(hints.listen), arranging.chore()]
