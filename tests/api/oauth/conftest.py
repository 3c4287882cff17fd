"""An app that may ask the provider, and a key for it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app.api.face.key_cache import ApiKeyCache
from app.repository.connection import Connection, reading
from app.settings import Settings
from app.web import create_app
from tests.api.conftest import Api
from tests.api.oauth.consents import ORIGIN


@pytest.fixture(scope="module")
def app(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An app that may ask the provider."""
    named = {"EXECUTIONS_ALLOWED_HOSTS": "127.0.0.1", "EXECUTIONS_WEBHOOK_URL": ORIGIN}
    home = str(tmp_path_factory.mktemp("home"))
    app = create_app(Settings.from_environment({"DATABASE_URL": shared_database, "EXECUTIONS_HOME": home, **named}))
    yield app
    app.extensions["executions"].close()


@pytest.fixture
def api(app: Flask, db: Connection) -> Api:
    kept = app.extensions["executions"]
    app.extensions["executions"] = replace(kept, api_keys=ApiKeyCache(kept.pool))
    return Api(app.test_client(), db).with_key("everything", "*")


@pytest.fixture
def asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """An entry each time that somebody asks for the types of packages, and may have to wait; with nothing locked."""
    known, asked = api.services.packages, list[None]()
    ask = known.ask

    def look() -> None:
        with reading(api.services.pool) as connection:
            connection.execute("SELECT c.id FROM credentials AS c FOR UPDATE NOWAIT")
        asked.append(None)
        ask()

    monkeypatch.setattr(known, "ask", look)
    return asked
