"""Questions that workers answer for the API: whose services are slow leaves room to others."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from app.repository import projects, worker_questions
from app.worker.questions import CHOICES, Answerer
from tests.patience import PATIENCE_SECONDS
from tests.worker.triggers.conftest import queue, station

__all__ = ["queue"]


def test_a_project_whose_services_are_slow_leaves_room_to_others(queue, database_url) -> None:
    projects.create_project(queue.connection, "slow", "slow")
    for project in [*["slow"] * 9, "default"]:
        worker_questions.ask(queue.connection, CHOICES.table, project, "t", b"{}")
    asked = asyncio.Event()

    async def answer(packages: Any, contexts: Any, question: worker_questions.Question) -> tuple[bytes, None]:
        if question.project_id == "default":
            asked.set()
        await asyncio.Event().wait()
        return b"", None

    kind = replace(CHOICES, types=lambda _: ["t"], answer=answer)
    packages: Any = SimpleNamespace(installed=None)

    async def main() -> None:
        with station(database_url, queue.connection) as place:
            worker_id = place.register()
            async with Answerer(
                kind, place.contexts, packages, worker_id=lambda: worker_id, stopping=lambda: False
            ) as worker:
                for _ in range(2):
                    await worker._step()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await asked.wait()
                assert worker.by_project == {"slow": 4, "default": 1}

    asyncio.run(main())
