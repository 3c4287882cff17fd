"""The database of a million executions, which several modules look at."""

from datetime import datetime

import pytest

from app.repository.connection import connect
from tests.postgres import shared_database
from tests.repository.million import fill


@pytest.fixture(scope="module")
def million(postgres_url: str):
    """A connection to a database that holds a million executions."""
    with connect(shared_database(postgres_url, "million", fill), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled_at(million) -> datetime:
    """The start of the newest execution, which may be long before now on a slow machine."""
    return million.execute("SELECT max(started_at) FROM executions WHERE id <= 1000000").fetchone()[0]
