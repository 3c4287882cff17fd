"""A PgBouncer in transaction mode before a test's PostgreSQL, on a port of 127.0.0.1."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from app.embedded.account import choose_account
from app.processes import dies_with_parent
from tests.live import free_port
from tests.patience import wait_until

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

CONFIG = """
[databases]
* = host={host} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = postgres
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/log
"""


class PgBouncer:
    """A running one. It keeps at most as many sessions as it was given for all its clients together."""

    def __init__(self, port: int) -> None:
        self._port = port

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def show(self, what: str, database: str) -> list[dict[str, Any]]:
        """What it says of a database: SHOW POOLS, CLIENTS, SERVERS or STATS."""
        with psycopg.connect(self.url("pgbouncer"), autocommit=True, row_factory=dict_row) as console:
            # It speaks the simple protocol only, which is the one that a ClientCursor uses.
            cursor = psycopg.ClientCursor(console, row_factory=dict_row)
            return [row for row in cursor.execute(f"SHOW {what}") if row["database"] == database]


@contextmanager
def running(postgres_url: str, *, size: int) -> Iterator[PgBouncer]:
    """A PgBouncer before this server, with at most `size` sessions a database."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder, port = Path(name), free_port()
        account = choose_account(Path(PROGRAM), folder / "data")
        account.give_to(folder)
        host = conninfo_to_dict(postgres_url)["host"]
        config = folder / "pgbouncer.ini"
        config.write_text(CONFIG.format(host=host, port=port, size=size, folder=folder))
        config.chmod(0o644)
        process = subprocess.Popen([*dies_with_parent(), *account.prefix, PROGRAM, "-q", str(config)])
        try:
            pooler = PgBouncer(port)
            wait_until(lambda: process.poll() is not None or _answers(pooler), "PgBouncer does not answer")
            assert process.poll() is None, "PgBouncer has ended"
            yield pooler
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _answers(pooler: PgBouncer) -> bool:
    try:
        pooler.show("POOLS", "pgbouncer")
    except psycopg.OperationalError:
        return False
    return True
