"""Workers that renew the tokens of one credential: each with a loop, a pool and a clock of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.credentials.tokens import EXPIRES_AT
from app.credentials.vault import Vault
from app.engine.run.credentials import CredentialUnreadable
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.repository.connection import connect, open_pool
from app.settings import Settings
from app.worker.clock import Clock
from app.worker.credentials import Credentials
from app.worker.database import Database
from tests.credentials.provider import Provider
from tests.postgres import cloned_database

KIND = "oAuth2Api"
Work = Callable[[Credentials], Awaitable[Any]]


class Party:
    """Workers of one installation, each with a loop, threads and connections of its own."""

    def __init__(self, database_url: str, home: Path, connection: Any) -> None:
        self.settings = Settings.from_environment({"DATABASE_URL": database_url, "EXECUTIONS_HOME": str(home)})
        self.connection = connection
        self.vault = Vault(self.settings)

    def store(self, data: dict[str, Any], kind: str = KIND) -> None:
        self.connection.execute("DELETE FROM credentials")
        self.vault.create(self.connection, "c1", name="Mine", type=kind, project_id="default", data=data)

    def held(self, kind: str = KIND) -> dict[str, Any]:
        found = self.vault.read_in_project(self.connection, "default", "c1", kind)
        assert found is not None
        return found

    def run(self, *works: Work) -> list[Any]:
        """What each work returns or raises, each in a worker of its own, at the same time."""
        ready = threading.Barrier(len(works))

        def worker(work: Work) -> Any:
            with ExitStack() as stack:
                pool = stack.enter_context(open_pool(self.settings.database_url, size=2, name="worker"))
                threads = stack.enter_context(ThreadPoolExecutor(2))

                async def go() -> Any:
                    async with Outgoing(AddressRules.parse("127.0.0.1")) as outgoing:
                        database = Database(pool, threads)
                        async with Credentials(Vault(self.settings), database, outgoing, Clock()) as credentials:
                            ready.wait()
                            return await work(credentials)

                try:
                    return asyncio.run(go())
                except CredentialUnreadable as error:
                    return error

        with ThreadPoolExecutor(len(works)) as threads:
            return list(threads.map(worker, works))


@pytest.fixture(scope="module")
def party(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    """One database for all: each test stores the credential anew."""
    with cloned_database(postgres_url) as url, connect(url, autocommit=True) as connection:
        yield Party(url, tmp_path_factory.mktemp("home"), connection)


async def read(credentials: Credentials, kind: str = KIND) -> Any:
    found = await credentials.of_project("default").read("c1", kind)
    return found and found["oauthTokenData"]["access_token"]


async def renew(credentials: Credentials, refused: str = "old", kind: str = KIND) -> Any:
    found = await credentials.of_project("default").renew("c1", kind, refused)
    return found["oauthTokenData"]["access_token"]


def expiring(provider: Provider, seconds: float, **more: Any) -> dict[str, Any]:
    """Tokens of which the refresh token is good, and the access token for so long."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    provider.refresh.add("first")
    tokens = {"access_token": "old", "refresh_token": "first", EXPIRES_AT: str(int(at.timestamp() * 1000)), **more}
    return provider.data(oauthTokenData=tokens)


def begun(party: Party) -> bool:
    """Whether somebody is at a renewal."""
    return bool(party.connection.execute("SELECT 1 FROM credentials WHERE renewal_until > now()").fetchall())
