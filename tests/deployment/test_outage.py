"""After an outage of any length the pool reaches PostgreSQL soon after its return, as it never tries less often."""

import psycopg
import pytest

from app.repository.connection import open_pool, reading
from tests.deployment.hosts import Cable
from tests.patience import wait_until

ATTEMPTS = 9
"""psycopg's own pool would pause twice as long after each: it would get here after minutes."""


@pytest.mark.slow
@pytest.mark.own_database
def test_a_long_outage_is_over_when_it_is_over(database_url: str) -> None:
    cable = Cable(database_url)
    try:
        with open_pool(cable.url, size=2, name="test", timeout=0.2) as pool:
            wait_until(lambda: reaches(pool))
            cable.cut()
            wait_until(lambda: reaches(pool) or cable.refused >= ATTEMPTS, lambda: cable.refused)
            assert not reaches(pool)
            cable.mend()
            wait_until(lambda: reaches(pool))
    finally:
        cable.close()


def reaches(pool) -> bool:
    try:
        with reading(pool) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
