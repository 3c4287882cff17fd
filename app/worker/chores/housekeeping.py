"""Deletes what nobody asks for any more: workers that are long gone, idempotency keys, answers, totals, problems,
what calls have touched, what nobody waits for, and what was said in chats."""

from app.repository import (
    bulk_calls,
    chat_messages,
    execution_events,
    execution_progress,
    execution_totals,
    failure_groups,
    idempotency,
    triggers,
    worker_questions,
    workers,
)
from app.worker.chores.chore import Chore, vary_pause
from app.worker.database import Database

ROUND_SECONDS = 600.0


def housekeeping(database: Database) -> Chore:
    """One worker's rounds; those of others find less to forget."""

    async def step() -> float:
        for forget in (
            workers.forget_old,
            idempotency.forget_old,
            bulk_calls.forget_old,
            worker_questions.forget_old,
            triggers.forget_old_answers,
            execution_events.forget_old,
            execution_progress.forget_old,
            execution_totals.forget_old,
            failure_groups.forget_old,
            chat_messages.forget_old,
        ):
            await database.transact(forget)
        return vary_pause(ROUND_SECONDS)

    return Chore("housekeeping", step)
