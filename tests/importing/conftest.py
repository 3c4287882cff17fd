"""A move into an empty database."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.importing.n8n.moves import Move
from app.importing.n8n.open_source import Access
from app.importing.n8n.options import ImportOptions
from app.importing.n8n.report import Report
from app.repository.connection import connect as open_connection
from app.settings import Settings
from tests.importing import n8n

Moving = Callable[..., Report]


@pytest.fixture
def target(database_url: str):
    """A connection to where everything comes to, in autocommit."""
    with open_connection(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings.from_environment({"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(tmp_path / "home")})


@pytest.fixture
def bring(target: psycopg.Connection, settings: Settings) -> Moving:
    """Brings everything from a source once: `bring(path, keep_projects=True)`."""

    def move(
        *names: Any,
        access: Access | None = None,
        dry_run: bool = False,
        rehearse: int | None = None,
        activate=None,
        **options: Any,
    ) -> Report:
        options = ImportOptions(**{"key": n8n.KEY, **options})
        access = access or Access(key=options.key)
        options = replace(options, storage=access.storage is not None)
        moving = Move(target, settings, [str(name) for name in names], options, access)
        if rehearse is not None:
            return moving.rehearse(rehearse)
        if dry_run:
            return moving.look()
        return moving.bring(activate)

    (settings.home).mkdir(exist_ok=True)
    return move


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """The database of an n8n that runs on SQLite, with its storage folder beside it."""
    return n8n.make_sqlite(tmp_path / "n8n")
