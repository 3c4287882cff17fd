"""What a chore does when a step of it fails."""

import asyncio
import contextlib

import psycopg
import pytest

from app.repository.errors import Invalid
from app.worker.chores import chore
from app.worker.chores.chore import Chore


@pytest.mark.parametrize("error", [psycopg.OperationalError("gone"), psycopg.DataError("no text"), Invalid()])
def test_a_step_that_postgresql_refuses_is_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(chore, "REFUSED_SECONDS", 0.01)
    monkeypatch.setattr(chore, "UNREACHABLE_SECONDS", 0.01)
    steps = []

    async def step() -> float:
        steps.append(1)
        if len(steps) < 3:
            raise error
        raise asyncio.CancelledError

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(Chore("testing", step).run())
    assert len(steps) == 3
