"""PostgreSQL's clock: the one that everybody goes by, because those of the hosts may be minutes apart."""

from datetime import datetime
from typing import cast

from app.repository.connection import Connection, scalar

NOW = "SELECT clock_timestamp()"


def now(connection: Connection) -> datetime:
    """What time it is, also within a transaction that has lasted for a while."""
    return cast(datetime, scalar(connection, NOW))
