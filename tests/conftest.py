"""Fixtures for every test: a database of its own, connections to it, and live processes over it."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from app.processes import Child
from app.repository import connection as connection_module
from tests import compiled, live, warm
from tests.credentials import provider as oauth_provider
from tests.order import slow_first
from tests.postgres import NEW_CLUSTER, TestServer, cloned_database
from tests.reused_database import ReusedDatabase

# How fast an example runs says more of the machine than of the program; CI tries the same ones each time.
settings.register_profile("suite", deadline=None, database=None, derandomize="CI" in os.environ)
settings.load_profile("suite")

# Many processes load the program and each of this run all tests: with what is compiled kept, that takes a third less.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_server: TestServer | None = None


def _server_url() -> str:
    global _server
    if _server is None:
        _server = TestServer()
    return _server.url("postgres")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name no test by what is packed: it holds the second in which it was, and each process would name it otherwise."""
    return argname if isinstance(val, bytes) and not val.isascii() else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Where several processes are about to collect all tests, let each begin with others, and look for no garbage."""
    shared = getattr(session.config, "workerinput", None)
    if shared:
        gc.disable()
    if shared and [Path(each).resolve() for each in session.config.args] == [compiled.TESTS]:
        compiled.load_share(int(shared["workerid"].removeprefix("gw")), shared["workercount"])


def pytest_collection_finish() -> None:
    """What was loaded and collected stays: no look at all of it again each time that a test has made something."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are processors: half of the time they wait for what other programs do."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the slow tests where several processes share the work."""
    if shared := getattr(config, "workerinput", None):
        items[:] = slow_first(items, shared["workercount"])


def pytest_configure(config: pytest.Config) -> None:
    if shared := getattr(config, "workerinput", None):
        warm.share(shared["nursery"])
        os.environ[NEW_CLUSTER] = shared["new_cluster"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Hand what this run has one of to a process that pytest-xdist is about to start."""
    if node.gateway.id == "gw0":
        compiled.compile_program()
    node.workerinput["postgres_url"] = _server_url()
    node.workerinput["new_cluster"] = os.environ[NEW_CLUSTER]
    node.workerinput["nursery"] = warm.share()


def pytest_unconfigure() -> None:
    if _server is not None:
        _server.stop()


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """The test server's maintenance database: for tests that make and drop databases themselves."""
    worker_input = getattr(request.config, "workerinput", None)
    return worker_input["postgres_url"] if worker_input else _server_url()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, postgres_url: str, reused_database: ReusedDatabase) -> Iterator[str]:
    """A migrated database as empty as a new one, or (`pytest.mark.own_database`) one that is new."""
    if request.node.get_closest_marker("own_database"):
        with cloned_database(postgres_url) as url:
            yield url
    else:
        yield reused_database.empty()


@pytest.fixture(scope="session")
def reused_database(postgres_url: str) -> Iterator[ReusedDatabase]:
    """The database that tests of this process use one after the other."""
    with cloned_database(postgres_url) as url:
        reused = ReusedDatabase(url)
        yield reused
        assert reused.has_its_schema(), "a test of this process has changed the schema: it needs mark.own_database"
        reused.close()


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    """A database without migrations, that only this test uses."""
    with cloned_database(postgres_url, "template0") as url:
        yield url


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the functions that have been computed in a thread of their own."""
    from app.engine.run import computing  # here: most tests need no engine

    names: list[str] = []

    class NamedJob(computing._Job):
        def __init__(self, work: Any, loop: asyncio.AbstractEventLoop) -> None:
            function = work.args[0]
            names.append(getattr(function, "func", function).__name__)
            super().__init__(work, loop)

    monkeypatch.setattr(computing, "_Job", NamedJob)
    return names


@pytest.fixture
def connect(database_url: str) -> Iterator[Callable[..., psycopg.Connection]]:
    """Opens connections to the test's database, as the program does: one an actor."""
    with ExitStack() as stack:

        def open_connection(*, autocommit: bool = False) -> psycopg.Connection:
            connection = connection_module.connect(database_url, autocommit=autocommit)
            stack.callback(connection.close)
            return connection

        yield open_connection


@pytest.fixture
def connection(
    database_url: str, reused_database: ReusedDatabase, connect: Callable[..., psycopg.Connection]
) -> Iterator[psycopg.Connection]:
    """One connection, with transactions that the test commits itself."""
    if database_url == reused_database.url:
        with reused_database.lend() as lent:
            yield lent
    else:
        yield connect()


@pytest.fixture
def start_server(database_url: str, tmp_path: Path) -> Iterator[Callable[..., live.LiveServer]]:
    """Starts APIs over the test's database: start_server(EXECUTIONS_MAX_BODY_BYTES=2048)."""
    with ExitStack() as stack:

        def start(**settings: Any) -> live.LiveServer:
            server = live.start_server(database_url, tmp_path, **settings)
            stack.callback(server.child.stop)
            return server

        yield start


@pytest.fixture
def start_worker(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Starts workers over the test's database: start_worker(EXECUTIONS_CONCURRENCY=2)."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Child:
            child = live.start_worker(database_url, tmp_path, **{warm.SANDBOXES_WHEN_NEEDED: 1, **settings})
            stack.callback(child.stop)
            return child

        yield start


@pytest.fixture
def flask(database_url: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command over the test's database: flask("keys", "list", PORT=1)."""

    def run(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        return live.flask(arguments, live.environment(database_url, tmp_path, **settings))

    return run


@pytest.fixture(scope="module")
def running_provider() -> Iterator[oauth_provider.Provider]:
    """A provider of OAuth that answers; what a test has told it stays told."""
    with oauth_provider.running() as made:
        yield made


@pytest.fixture
def provider(running_provider: oauth_provider.Provider) -> oauth_provider.Provider:
    """A provider of OAuth that knows nothing of the tests before this one, and answers."""
    running_provider.reset()
    return running_provider
