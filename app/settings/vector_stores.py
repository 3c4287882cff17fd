"""Which projects have a vector store in the PostgreSQL that `make run` starts for that, and where it is.

While it runs, a file in the home folder tells the other processes of this machine its address.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.environment import EnvironmentReader, SettingsError

VECTOR_STORES = "EXECUTIONS_VECTOR_STORES"
VECTOR_STORES_FILE = "vector-stores"
"""Name of that file: the process that runs it, its host, its port and the projects, with spaces between."""
MOST_STORES = 50
PROJECT_ID = re.compile(r"[!-~]{1,100}")


@dataclass(frozen=True, slots=True)
class VectorStores:
    """The projects that have a store, and what each store may take."""

    projects: tuple[str, ...]
    """By their ids; none: nothing is started."""
    bytes: int
    connections: int
    memory_mb: int
    """Of one connection."""
    seconds: float
    """Of one transaction."""


def read_vector_stores(reader: EnvironmentReader) -> VectorStores:
    """The settings. Raises SettingsError."""
    names = filter(None, map(str.strip, reader.text(VECTOR_STORES, "").split(",")))
    projects = tuple(dict.fromkeys(names))
    if len(projects) > MOST_STORES or not all(map(PROJECT_ID.fullmatch, projects)):
        raise SettingsError(f"{VECTOR_STORES} must be the ids of at most {MOST_STORES} projects, with commas between")
    return VectorStores(
        projects,
        bytes=reader.integer("EXECUTIONS_VECTOR_STORE_BYTES", 2**30, low=32 * 2**20),
        connections=reader.integer("EXECUTIONS_VECTOR_STORE_CONNECTIONS", 10, low=1, high=100),
        memory_mb=reader.integer("EXECUTIONS_VECTOR_STORE_MEMORY_MB", 256, low=128, high=65_536),
        seconds=reader.duration("EXECUTIONS_VECTOR_STORE_SECONDS", 60),
    )


def tell_address(home: Path, host: str, port: int, projects: Iterable[str]) -> Path:
    """Write down where the stores are as long as this process runs; returns the file, to be removed after."""
    file = home / VECTOR_STORES_FILE
    unfinished = file.with_suffix(".new")
    unfinished.write_text(" ".join((str(os.getpid()), host, str(port), *projects)))
    unfinished.replace(file)
    return file


def read_addresses(home: Path) -> frozenset[tuple[str, str, int]]:
    """Project, host and port of each store that runs in this home; none where none does."""
    try:
        pid, host, port, *projects = (home / VECTOR_STORES_FILE).read_text("utf-8").split()
        os.kill(int(pid), 0)
        return frozenset((project, host, int(port)) for project in projects)
    except (OSError, ValueError, OverflowError):
        return frozenset()
