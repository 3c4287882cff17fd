"""Connections that break in the middle of what they are used for."""

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app.repository.connection import LARGE_SEND_BYTES, REFUSED, Connection, open_pool, reading, transaction
from app.repository.errors import Invalid
from tests.memory import resident_bytes
from tests.patience import wait_until


def fails(pool: Any, read: Callable[[Connection], Any]) -> None:
    with reading(pool) as connection:
        read(connection)


def test_what_breaks_a_read_is_what_is_raised(connection, database_url: str) -> None:
    """And the connection that comes after it is sound."""

    def cut_off(broken: Connection) -> None:
        with broken.pipeline(), broken.transaction():
            broken.execute("SELECT 1")
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", [broken.info.backend_pid])
            broken.execute("SELECT 2")

    with open_pool(database_url, size=1, name="test") as pool:
        with pytest.raises(psycopg.OperationalError):
            fails(pool, cut_off)
        with reading(pool) as sound:
            assert sound.execute("SELECT 3").fetchone() == (3,)


def test_a_read_that_is_given_up_half_way_leaves_a_sound_connection(database_url: str) -> None:
    def give_up(left: Connection) -> None:
        left.execute("BEGIN")
        raise KeyError("the caller's own")

    with open_pool(database_url, size=1, name="test") as pool:
        with pytest.raises(KeyError, match="the caller's own"):
            fails(pool, give_up)
        with reading(pool) as sound:
            assert sound.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            assert sound.autocommit


@pytest.mark.parametrize("through_pooler", [False, True])
def test_a_transaction_begins_where_one_is_opened_and_nowhere_else(database_url: str, *, through_pooler: bool) -> None:
    def fail_half_way(pool: Any) -> None:
        with transaction(pool) as connection:
            connection.execute("INSERT INTO kept VALUES ('failed')")
            connection.execute("SELECT 1 / 0")

    def rows(pool: Any) -> list[tuple[str]]:
        with reading(pool) as connection:
            found = connection.execute("SELECT what FROM kept").fetchall()
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            return found

    with open_pool(database_url, size=1, name="test", through_pooler=through_pooler) as pool:
        with pool.connection() as connection:
            assert connection.autocommit
            connection.execute("CREATE TEMPORARY TABLE kept (what text)")
        with pytest.raises(REFUSED):
            fail_half_way(pool)
        assert rows(pool) == []
        with transaction(pool) as connection:
            connection.execute("INSERT INTO kept VALUES ('whole')")
        assert rows(pool) == [("whole",)]


def test_a_transaction_that_nobody_goes_on_with_is_ended_by_the_server(database_url: str) -> None:
    """To its client, should it come back, that is a connection that broke."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"

    def fall_silent(pool: Any, other: Any) -> None:
        with transaction(pool) as held:
            held.execute("SELECT 1")
            wait_until(lambda: other.execute(query, [held.info.backend_pid]).fetchone() == (0,))
            held.execute("SELECT 1")

    opened = open_pool(database_url, size=1, name="test", idle_in_transaction=0.1)
    with opened as pool, psycopg.connect(database_url, autocommit=True) as other:
        with pytest.raises(psycopg.OperationalError):
            fall_silent(pool, other)
        with transaction(pool) as another:
            another.execute("SELECT 1")


def test_of_much_that_was_sent_nothing_stays_in_memory(database_url: str) -> None:
    """libpq keeps the buffer that it has sent from for as long as its connection lives."""
    content = b"x" * (2 * LARGE_SEND_BYTES)
    with open_pool(database_url, size=1, name="test") as pool:
        with transaction(pool) as connection:
            connection.execute("SELECT 1")
        before = resident_bytes(os.getpid())
        for _ in range(2):
            with transaction(pool, len(content)) as connection, connection.pipeline():
                row = connection.execute("SELECT octet_length(%b)", [content]).fetchone()
            assert row == (len(content),)
            assert resident_bytes(os.getpid()) - before < LARGE_SEND_BYTES
        with pytest.raises(Invalid), transaction(pool, len(content)) as connection:
            connection.execute("SELECT octet_length(%b), 'x'::text::json", [content])
        with transaction(pool) as connection:
            assert connection.execute("SELECT 2").fetchone() == (2,)
