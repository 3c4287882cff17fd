"""The database of many executions, which several modules look at."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from app.repository.connection import connect
from tests.postgres import cloned_database, shared_database
from tests.repository.million import ROWS, fill
from tests.reused_database import ReusedDatabase


@pytest.fixture
def database_url(request: pytest.FixtureRequest, postgres_url: str, reused_database: ReusedDatabase) -> Iterator[str]:
    """A database that is as empty as a new one, or one that is (`pytestmark = pytest.mark.own_database`)."""
    if request.node.get_closest_marker("own_database"):
        with cloned_database(postgres_url) as url:
            yield url
    else:
        yield reused_database.empty()


@pytest.fixture(scope="module")
def million(postgres_url: str):
    """A connection to a database that holds as many executions as were asked for."""
    with connect(shared_database(postgres_url, "million", fill), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled_at(million) -> datetime:
    """The start of the newest execution, which may be long before now on a slow machine."""
    return million.execute("SELECT max(started_at) FROM executions WHERE id <= %s", [ROWS]).fetchone()[0]
