"""Connections to PostgreSQL: the pool, and the adapters that let JSON pass through unparsed."""

import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.rows import BaseRowFactory
from psycopg.types.json import Json
from psycopg_pool import ConnectionPool

from app.repository.errors import Invalid, translate_errors

Connection = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")

UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)
"""What psycopg raises when the connection is broken or there is none."""
GOES_AWAY = ("08", "28", "57P")
"""How the SQLSTATEs of these begin that say that the connection ends, or that none is to be had for now."""
NO_ROOM = psycopg.errors.DiskFull
REFUSED = (psycopg.DataError, Invalid)
"""What is raised for a value that PostgreSQL cannot hold."""
NAME = "executions-api"
UTC = "SET TIME ZONE 'UTC'"


class RawJson(Loader):
    """A json column leaves the repository as the bytes that were stored."""

    def load(self, data: Buffer) -> bytes:
        """The bytes of the column, unparsed."""
        return bytes(data)


def json_of(document: bytes | None) -> Json | None:
    """JSON's text as the value of a json column, without a copy of it as str."""
    return None if document is None else Json(document, dumps=bytes)


SILENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""After how long a network that swallows everything counts as broken: seconds, the last one milliseconds.

Shorter than a worker's lease. Without it a call would hang until TCP gives up, which takes a quarter of an hour.
"""

IDLE_IN_TRANSACTION_SECONDS = 30.0
"""Unless a pool says otherwise, after how long PostgreSQL ends a transaction whose client says nothing more: a host
that is cut off in the middle of one would hold its rows until TCP gives up, and nobody could give up what it runs."""

LARGE_SEND_BYTES = 2**24
"""Bytes that a transaction sends for which another connection is worth it."""

RECONNECT_SECONDS = 2.0
"""A connection that cannot be made is tried for so long, and then anew for whoever wants one: a pool that went on by
itself would pause twice as long each time, and come back minutes after an outage that took minutes."""


def configure(connection: Connection) -> None:
    """Give a fresh connection what every statement of the repository counts on."""
    connection.adapters.register_loader("json", RawJson)


def configure_pooled(connection: Connection) -> None:
    """The same through a pooler in transaction mode, which keeps the time zone with its client and no other setting."""
    configure(connection)
    connection.execute(UTC)


def connect(database_url: str, *, autocommit: bool = False) -> Connection:
    """Open one connection outside any pool; times are UTC whatever the server's setting."""
    connection = psycopg.connect(database_url, autocommit=autocommit, **session_options(database_url))
    configure(connection)
    return connection


def open_pool(
    database_url: str,
    *,
    size: int,
    name: str,
    kept: int = 1,
    timeout: float = 3.0,
    through_pooler: bool = False,
    idle_in_transaction: float = IDLE_IN_TRANSACTION_SECONDS,
) -> ConnectionPool[Connection]:
    """A pool of `kept` to `size` connections; waiting longer than `timeout` seconds for one raises PoolTimeout.

    The pool opens in the background: a database that is down at start is met at the first request.
    `through_pooler` says that a pooler such as PgBouncer stands in between, in transaction mode: it would hand the
    next transaction to a session that lacks the statements prepared in another. PostgreSQL ends transactions whose
    client is silent for `idle_in_transaction` seconds; behind a pooler its own setting counts.
    """
    options = pooler_options(database_url) if through_pooler else pool_options(database_url, idle_in_transaction)
    return ConnectionPool(
        database_url,
        min_size=kept,
        max_size=size,
        name=name,
        timeout=timeout,
        reconnect_timeout=RECONNECT_SECONDS,
        open=True,
        configure=configure_pooled if through_pooler else configure,
        check=check,
        # A transaction begins where one is opened: to switch for each read would be a dozen calls more.
        kwargs={**options, "autocommit": True},
    )


def check(connection: Connection) -> None:
    """Refuse a pooled connection that the server has closed.

    A closed one has its end to read, and only then is a round trip spent on asking. Raises
    psycopg.OperationalError, upon which the pool makes another.
    """
    if select.select([connection.fileno()], [], [], 0)[0]:
        ConnectionPool.check_connection(connection)


def session_options(database_url: str) -> dict[str, Any]:
    """UTC, costs of a disk that is no spinning one, and a name in pg_stat_activity.

    Kept beside whatever `options` the URL brings itself.
    """
    given = psycopg.conninfo.conninfo_to_dict(database_url)
    options = f"{given.get('options') or ''} -c timezone=UTC -c random_page_cost=1.1".strip()
    return {"options": options, **network_options(given)}


def pool_options(database_url: str, idle_in_transaction: float) -> dict[str, Any]:
    """As `session_options`, and an end to transactions that nobody goes on with."""
    options = session_options(database_url)
    options["options"] += f" -c idle_in_transaction_session_timeout={idle_in_transaction * 1000:.0f}"
    return options


def pooler_options(database_url: str) -> dict[str, Any]:
    """What goes through a pooler: it refuses `options`."""
    return {"prepare_threshold": None, **network_options(psycopg.conninfo.conninfo_to_dict(database_url))}


def network_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """A name in pg_stat_activity, and an end to silence unless the URL says when itself."""
    return {name: value for name, value in SILENCE.items() if name not in given} | {"application_name": NAME}


@contextmanager
def transaction(pool: ConnectionPool[Connection], sends: int = 0) -> Iterator[Connection]:
    """One transaction on a pooled connection, with psycopg's data errors as domain errors.

    `sends`: about the bytes of its parameters. Where it is much, libpq sends them at one go: by itself, psycopg lets it
    send a little at a time, and it moves all of the rest in memory each time. The connection is closed then, with the
    buffer that libpq keeps for as long as it lives.
    """
    with translate_errors(), pool.connection() as connection:
        if sends > LARGE_SEND_BYTES:
            connection.pgconn.nonblocking = 0
        try:
            with connection.transaction():
                yield connection
        finally:
            if sends > LARGE_SEND_BYTES:
                connection.close()


def is_refusal(error: Exception) -> bool:
    """Whether PostgreSQL itself refused a statement: it took too long, say, or too much memory."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is not None and not state.startswith(GOES_AWAY)


def read_again(read: Callable[[], T]) -> T:
    """What `read` returns, at its second attempt if the connection broke at the first."""
    try:
        return read()
    except UNREACHABLE:
        return read()


@contextmanager
def reading(pool: ConnectionPool[Connection]) -> Iterator[Connection]:
    """A pooled connection for statements that only read: each sees the newest state, and none pays for BEGIN."""
    with translate_errors(), pool.connection() as connection:
        try:
            yield connection
        finally:
            if connection.info.transaction_status != TransactionStatus.IDLE:
                # It broke in the middle of something; the pool makes another.
                connection.close()


def read_one(
    connection: Connection,
    record: BaseRowFactory[T],
    statement: str,
    parameters: Mapping[str, Any],
    missing: type[Exception] | Exception,
) -> T:
    """The row that a statement gives, as a record. Raises `missing` when it gives none."""
    with connection.cursor(row_factory=record) as cursor:
        row = cursor.execute(statement, parameters).fetchone()
    if row is None:
        raise missing
    return row


def scalar(
    connection: Connection,
    statement: Any,
    parameters: dict[str, Any] | None = None,
    *,
    prepare: bool | None = None,
) -> Any:
    """The only column of the only row, None when there is no row. `prepare=False` plans it for these parameters."""
    row = connection.execute(statement, parameters, prepare=prepare).fetchone()
    return None if row is None else row[0]
