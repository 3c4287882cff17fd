"""After an outage of any length the pool reaches PostgreSQL within seconds of its return."""

import time

import psycopg

from app.repository.connection import open_pool, reading
from tests.deployment.hosts import Cable


def test_a_long_outage_is_over_when_it_is_over(database_url: str) -> None:
    cable = Cable(database_url)
    try:
        with open_pool(cable.url, size=2, name="test", timeout=0.2) as pool:
            assert reaches(pool)
            cable.cut()
            mended_at = time.monotonic() + 3.3  # psycopg's own pool would now rest for 4 seconds, later for minutes
            while time.monotonic() < mended_at:
                assert not reaches(pool)
            cable.mend()
            while not reaches(pool):
                assert time.monotonic() < mended_at + 2
    finally:
        cable.close()


def reaches(pool) -> bool:
    try:
        with reading(pool) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
