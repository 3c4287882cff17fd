"""A second PostgreSQL, for the vectors of workflows: a database and a role for each store, reached by TCP.

Whoever has a store may run any SQL in it. A role lifts PostgreSQL's own bounds on its memory and its time, so these
are held from outside: memory by the system (on Linux), time and disk by `look`, which is called every second or so.
What holds the program's own data is another server, of which this one knows nothing.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app.embedded.server import HOST, SUPERUSER, EmbeddedPostgres
from app.processes import LOG_ROTATE_BYTES, Child, ChildDied

PREFIX = "store_"
"""Databases and roles of stores begin with it; the rest tells no project's name to others."""
OWN_CONNECTIONS = 3
"""For the superuser, whatever stores take."""
UNKNOWN_CONNECTIONS = 5
"""Of those who have not proved yet who they are."""
CLOSED_ABOVE = 1.25
"""A store that has so many times its bytes takes no connection; above its bytes it is read."""
LATE_SECONDS = 2.0
"""So much longer than PostgreSQL's own bound, which says what it is."""
VACUUM_PATIENCE = 10
"""PostgreSQL's own tidying may take so many times as long: it runs functions of stores."""
ATTEMPTS = 3
NO_PORT = "could not create any TCP/IP sockets"
LAUNCHER = ("sh", "-c", 'ulimit -d "$0" && exec nice -n 5 "$@"')
"""Followed by KiB and a command: each process of it takes so much memory of its own, and steps back for others."""

END_LATE = """
    SELECT pg_terminate_backend(a.pid)
      FROM pg_stat_activity AS a
     WHERE (starts_with(a.usename, 'store_') OR a.backend_type = 'autovacuum worker')
       AND clock_timestamp() - a.xact_start
           > interval '1 second' * %(seconds)s * CASE WHEN a.usename IS NULL THEN %(patience)s ELSE 1 END
"""
SIZES = """
    SELECT d.datname, pg_database_size(d.oid)
      FROM pg_database AS d
     WHERE starts_with(d.datname, 'store_')
       AND (%(all)s OR EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid))
"""
END_ALL = """
    SELECT pg_terminate_backend(a.pid)
      FROM pg_stat_activity AS a
     WHERE a.datname = %(store)s AND a.usename = %(store)s
"""
OPEN = sql.SQL("ALTER ROLE {} LOGIN")
CLOSE = sql.SQL("ALTER ROLE {} NOLOGIN")
STORES = "SELECT r.rolname FROM pg_roles AS r WHERE starts_with(r.rolname, 'store_')"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What each store may take."""

    bytes: int
    """On disk. Above it nothing is written, and a quarter above it nobody gets in."""
    connections: int
    memory_mb: int
    """Of one connection."""
    seconds: float
    """Of one transaction."""


@dataclass(frozen=True, slots=True)
class Store:
    """How a store is reached."""

    port: int
    name: str
    """Of the database, and of the role."""
    password: str


class VectorServer:
    """The server over `home`, which holds nothing else; a child of this process."""

    def __init__(self, home: Path, bounds: Bounds) -> None:
        self._home = home
        self._bounds = bounds
        self._server: EmbeddedPostgres | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._states: dict[str, str] = {}

    @property
    def child(self) -> Child:
        """The running server."""
        assert self._server is not None
        child = self._server.child
        assert child is not None
        return child

    def start(self, owners: Iterable[str]) -> dict[str, Store]:
        """Start it with a store for each owner, by owner; stores of others stay, closed.

        Raises EmbeddedPostgresError, ChildDied, OSError.
        """
        names = {owner: store_name(owner) for owner in owners}
        self._home.mkdir(parents=True, exist_ok=True)
        port = self._start_server(len(names))
        secret = self._secret()
        passwords = {name: hmac.digest(secret, name.encode(), "sha256").hex() for name in names.values()}
        with self._connect() as connection:
            for (name,) in connection.execute(STORES).fetchall():
                connection.execute(CLOSE.format(sql.Identifier(name)))
            for name, password in passwords.items():
                self._open_store(connection, name, password)
        self._states.clear()
        self.look(every=True)
        return {owner: Store(port, name, passwords[name]) for owner, name in names.items()}

    def stop(self) -> None:
        """End it, and all who are connected."""
        self._forget_connection()
        if self._server is not None:
            self._server.stop()

    def look(self, *, every: bool = False) -> None:
        """End what takes too long, and close stores that have grown too large: of those in use, or of `every` one.

        A server that does not answer, as while it recovers, is looked at the next time.
        """
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._look(self._connection, every)
        except psycopg.Error:
            self._forget_connection()
        log = self.child.log
        if log.stat().st_size > LOG_ROTATE_BYTES:
            os.truncate(log, 0)

    def _look(self, connection: psycopg.Connection[Any], every: bool) -> None:
        seconds = self._bounds.seconds + LATE_SECONDS
        connection.execute(END_LATE, {"seconds": seconds, "patience": VACUUM_PATIENCE})
        for name, size in connection.execute(SIZES, {"all": every}).fetchall():
            self._set_state(connection, name, size)

    def _set_state(self, connection: psycopg.Connection[Any], name: str, size: int) -> None:
        """Let a store be used, read only, or not at all, by its size."""
        full, closed = size > self._bounds.bytes, size > CLOSED_ABOVE * self._bounds.bytes
        state = "closed" if closed else "full" if full else "open"
        if self._states.get(name) == state:
            return
        database = sql.Identifier(name)
        limit = 0 if closed else self._bounds.connections
        connection.execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(database, limit))
        read_only = sql.SQL("ALTER ROLE {} SET default_transaction_read_only = {}")
        connection.execute(read_only.format(database, sql.Literal("on" if full else "off")))
        if full:
            connection.execute(END_ALL, {"store": name})
        self._states[name] = state

    def _start_server(self, stores: int) -> int:
        """Start it on the port that it had, or on another one where that is taken; returns the port."""
        noted = self._home / "port"
        for attempt in range(1, ATTEMPTS + 1):
            port = _free_port(int(noted.read_text("utf-8")) if noted.exists() else 0)
            noted.write_text(f"{port}\n")
            self._server = EmbeddedPostgres(
                self._home,
                name="PostgreSQL of the vector stores",
                database=SUPERUSER,
                port=port,
                settings=self._settings(stores),
                access=f"host all {SUPERUSER} all reject\nhost sameuser all {HOST}/32 scram-sha-256\n",
                launcher=(*LAUNCHER, str(self._bounds.memory_mb * 1_024)),
            )
            try:
                self._server.start()
                return port
            except ChildDied as error:
                if NO_PORT not in str(error) or attempt == ATTEMPTS:
                    raise
        raise AssertionError

    def _settings(self, stores: int) -> list[str]:
        connections = OWN_CONNECTIONS + UNKNOWN_CONNECTIONS + stores * self._bounds.connections
        temporary = max(self._bounds.bytes // self._bounds.connections // 1_024, 1_024)
        return [
            f"max_connections={connections}",
            f"superuser_reserved_connections={OWN_CONNECTIONS}",
            "authentication_timeout=5s",
            f"statement_timeout={int(self._bounds.seconds * 1_000)}",
            f"temp_file_limit={temporary}kB",
            "shared_buffers=32MB",
            "work_mem=8MB",
            "maintenance_work_mem=64MB",
            "max_worker_processes=0",  # no parallel workers, which would be counted as none of a store's connections
            "max_parallel_maintenance_workers=0",
            "max_parallel_workers_per_gather=0",
            "io_method=sync",
            "max_wal_size=256MB",
            "wal_level=minimal",
            "max_wal_senders=0",
            "max_notify_queue_pages=64",
            "log_min_messages=fatal",  # statements that fail are their authors' affair
            "log_min_error_statement=panic",
        ]

    def _open_store(self, connection: psycopg.Connection[Any], name: str, password: str) -> None:
        """Create what is missing of a store, and let its role in."""
        database = sql.Identifier(name)
        if (name,) not in connection.execute(STORES).fetchall():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(database))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {0} TO {0}").format(database))
        with self._connect(name) as within:
            within.execute("CREATE EXTENSION IF NOT EXISTS vector")
            within.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(database))
        connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(database))
        limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(database, self._bounds.connections)
        connection.execute(limit)
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(database, sql.Literal(password)))
        connection.execute(OPEN.format(database))

    def _connect(self, database: str = SUPERUSER) -> psycopg.Connection[Any]:
        assert self._server is not None
        return psycopg.connect(self._server.url(database), autocommit=True, connect_timeout=5)

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _secret(self) -> bytes:
        """What the passwords of all stores are made from; a file that its owner alone reads."""
        file = self._home / "secret"
        if not file.exists():
            unfinished = file.with_suffix(".new")
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
                output.write(secrets.token_hex(32))
            unfinished.replace(file)
        return bytes.fromhex(file.read_text("utf-8"))


def store_name(owner: str) -> str:
    """The name of an owner's database and role."""
    return PREFIX + hashlib.sha256(owner.encode()).hexdigest()[:20]


def _free_port(wanted: int) -> int:
    """The wanted port where nobody listens there, else one that is free."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise OSError(f"there is no free port on {HOST}")
