"""`make check-import`: import a large n8n and say how long it takes and how much memory the importer holds.

The sources are made here: one on PostgreSQL with a million executions of 5 KB (`--executions`), one on SQLite with a
tenth of that (`--sqlite`), one with 200 rows of 5 MB (`--large`). Source and target share one PostgreSQL, with its own
settings, and the importer runs as people run it. It ends with 1 when a bound is passed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.embedded import EmbeddedPostgres
from app.migrations import migrate
from app.repository.connection import connect
from tests.importing import many, n8n
from tests.memory import peak_bytes

MAX_SECONDS = 15 * 60
"""For a million executions of 5 KB, on two cores."""
MILLION = 1_000_000
MAX_BYTES = 300 * 10**6
LOOKS_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """What an import took: `seconds`, those of processor time of its process, and the most memory that it held, in
    bytes."""

    seconds: float
    busy: float
    peak: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="make check-import")
    parser.add_argument("--executions", type=int, default=MILLION, help="of the n8n on PostgreSQL (0: none)")
    parser.add_argument("--sqlite", type=int, help="of the n8n on SQLite (0: none); a tenth unless given")
    parser.add_argument("--large", type=int, default=200, help="of 5 MB each (0: none)")
    given = parser.parse_args()
    sqlite = given.executions // 10 if given.sqlite is None else given.sqlite
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} before it began", flush=True)
    good = True
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as postgres:
        if given.executions:
            source = created(postgres, "n8n")
            made(f"n8n on PostgreSQL, {given.executions:,} executions", many.fill_postgresql, source, given.executions)
            measured = import_from(source, created(postgres, "from_postgresql", migrated=True), Path(folder))
            good &= said("PostgreSQL", given.executions, measured)
            dropped(postgres, "n8n", "from_postgresql")
        if sqlite:
            home = Path(folder) / "n8n"
            made(f"n8n on SQLite, {sqlite:,} executions", many.fill_sqlite, home, sqlite)
            target = created(postgres, "from_sqlite", migrated=True)
            good &= said("SQLite", sqlite, import_from(str(home / "database.sqlite"), target, Path(folder)))
            dropped(postgres, "from_sqlite")
        if given.large:
            source = created(postgres, "large")
            made(f"n8n on PostgreSQL, {given.large:,} executions of 5 MB", many.fill_large, source, given.large)
            measured = import_from(source, created(postgres, "from_large", migrated=True), Path(folder))
            good &= said("Rows of 5 MB", given.large, measured, timed=False)
    return 0 if good else 1


@contextmanager
def started(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with the settings that `make run` gives it."""
    postgres = EmbeddedPostgres(folder / "server")
    postgres.start()
    try:
        yield postgres
    finally:
        postgres.stop()


def created(postgres: EmbeddedPostgres, name: str, *, migrated: bool = False) -> str:
    """The address of a new database."""
    with closing(connect(postgres.url("postgres"), autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")  # a fixed name of ours
    if migrated:
        migrate(postgres.url(name))
    return postgres.url(name)


def dropped(postgres: EmbeddedPostgres, *names: str) -> None:
    with closing(connect(postgres.url("postgres"), autocommit=True)) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def made(what: str, fill: Callable[..., object], *arguments: object) -> None:
    began = time.monotonic()
    fill(*arguments)
    print(f"Made an {what}, in {time.monotonic() - began:.0f} s", flush=True)


def import_from(source: str, target: str, folder: Path) -> Measured:
    """Run `flask import n8n` and look at its memory all the time. Raises SystemExit when it fails."""
    environ = {**os.environ, "DATABASE_URL": target, "EXECUTIONS_HOME": str(folder / "home")}
    environ["N8N_ENCRYPTION_KEY"] = n8n.KEY
    (folder / "home").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "flask", "import", "n8n", source]
    began, busy, peak = time.monotonic(), children_seconds(), 0
    with (folder / "import.log").open("w+") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(LOOKS_SECONDS)
        log.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"the import failed:\n{log.read()}")
    return Measured(time.monotonic() - began, children_seconds() - busy, peak)


def children_seconds() -> float:
    """The processor time of programs that ran and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_of(pid: int) -> int:
    try:
        return peak_bytes(pid)
    except (OSError, ValueError):  # it has just ended
        return 0


def said(what: str, number: int, measured: Measured, *, timed: bool = True) -> bool:
    """Print what was measured; returns whether it keeps to the bounds, the time in proportion."""
    bound = MAX_SECONDS * number / MILLION
    in_time, in_memory = not timed or measured.seconds <= bound, measured.peak < MAX_BYTES
    line = f"{what}: {number:,} in {measured.seconds:.0f} s, {number / measured.seconds:,.0f} a second, "
    line += f"the importer busy for {measured.busy:.0f} s"
    if timed:
        line += f" ({'within' if in_time else 'OVER'} {bound:.0f} s, which is 15 minutes for a million)"
    held = f"{measured.peak / 10**6:.0f} MB at most ({'below' if in_memory else 'ABOVE'} {MAX_BYTES // 10**6} MB)"
    print(f"{line}; the importer held {held}", flush=True)
    return in_time and in_memory


if __name__ == "__main__":
    sys.exit(main())
