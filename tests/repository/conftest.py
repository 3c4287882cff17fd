"""The database of many executions, which several modules look at."""

from datetime import datetime

import pytest

from app.repository.connection import connect
from tests.postgres import shared_database
from tests.repository.million import ROWS, fill


@pytest.fixture(scope="module")
def million(postgres_url: str):
    """A connection to a database that holds as many executions as were asked for."""
    with connect(shared_database(postgres_url, "million", fill), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def filled_at(million) -> datetime:
    """The start of the newest execution, which may be long before now on a slow machine."""
    return million.execute("SELECT max(started_at) FROM executions WHERE id <= %s", [ROWS]).fetchone()[0]
