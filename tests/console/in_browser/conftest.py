"""A server with the demo, and tabs of a real browser that are signed in to its console."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from app.demo import ApiClient, import_demo
from app.repository.api_keys import create_api_key
from app.repository.connection import connect
from app.repository.projects import create_project
from tests import live
from tests.console.browsing import CHROMIUM, Stage, Tab
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database

expect.set_options(timeout=PATIENCE_SECONDS * 1000)
NUMBERS = count()
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-software-rasterizer", "--in-process-gpu")
"""No test looks at pixels: nothing that draws them has a process of its own."""


@pytest.fixture(scope="package")
def house(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[live.LiveServer, str]]:
    """Everything that `make run` starts, and the address of its database."""
    home = tmp_path_factory.mktemp("home")
    with cloned_database(postgres_url) as url, ExitStack() as running:
        server = live.start_server(url, home)
        running.callback(server.child.stop)
        running.callback(live.start_worker(url, home).stop)
        yield server, url


@pytest.fixture
def stage(house: tuple[live.LiveServer, str]) -> Stage:
    """The demo, in a project that no other test sees."""
    server, url = house
    name = f"stage-{next(NUMBERS)}"
    with connect(url) as connection:
        create_project(connection, name, name)
        create_api_key(connection, f"key of {name}", label=name, scopes=["*"], project_id=name)
    own = replace(server, key=f"key of {name}")
    import_demo(ApiClient(f"{own.url}/api/v1", own.key), print)
    failed, succeeded = (int(each["id"]) for each in own.get("/api/v1/executions").body["data"])
    workflow = own.get("/api/v1/workflows").body["data"][0]["id"]
    return Stage(own, url, workflow, succeeded, failed)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(chromium: Browser, stage: Stage) -> Iterator[object]:
    """Opens tabs that are signed in; whatever the browser complains of fails the test."""
    with ExitStack() as opened:
        tabs: list[Tab] = []

        def open_one(key: str | None = None, *, at: str = "", **options: object) -> Tab:
            tab = Tab(chromium, stage, key, at=at, **options)
            opened.callback(tab.context.close)
            tabs.append(tab)
            return tab

        yield open_one
        assert [trouble for tab in tabs for trouble in tab.trouble] == []
