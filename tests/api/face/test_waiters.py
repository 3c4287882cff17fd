"""The thread of a process that hears of answers."""

import pytest

from app.api.face.waiters import Waiters
from app.repository.connection import connect
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.postgres import cloned_database

LISTENING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_who_is_closed_lets_go_of_a_database_without_a_word(postgres_url: str, caplog: pytest.LogCaptureFixture):
    with cloned_database(postgres_url) as url, connect(url, autocommit=True) as database:
        waiters = Waiters(url)
        with waiters.expecting(1):
            wait_until(lambda: database.execute(LISTENING).fetchone())
        waiters.close()
    assert waiters._listener
    waiters._listener.join(PATIENCE_SECONDS)
    assert not waiters._listener.is_alive()
    assert caplog.record_tuples == []


def test_an_answer_that_comes_before_anybody_waits_is_not_missed(database_url: str):
    waiters = Waiters(database_url)
    try:
        waiters.begin()
        with connect(database_url, autocommit=True) as database:
            wait_until(lambda: database.execute(LISTENING).fetchone())
            notify = "SELECT pg_notify('executions_answer', '7')"
            wait_until(lambda: database.execute(notify) and 7 in waiters._answered)
        with waiters.expecting(7) as told, waiters.expecting(8) as not_told:
            assert told.wait(0)
            assert not not_told.wait(0)
    finally:
        waiters.close()
