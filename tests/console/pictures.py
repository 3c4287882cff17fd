"""`make pictures`: the README's two pictures, of a server that shows what tests/console/scenery.py has set up."""

import json
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from app.console_links import new_link
from app.repository.connection import connect
from tests import live
from tests.console.scenery import set_scene
from tests.postgres import TestServer, cloned_database

FOLDER = live.PROJECT / "docs"
MAX_BYTES = 200_000
VIEW = {"width": 1360, "height": 820}


def main() -> None:
    """Start everything, take the pictures, stop everything."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no Chromium here: `apt install chromium` brings one")
    with ExitStack() as running:
        home = Path(running.enter_context(tempfile.TemporaryDirectory()))
        postgres = TestServer()
        running.callback(postgres.stop)
        url = running.enter_context(cloned_database(postgres.url("postgres")))
        server = live.start_server(url, home)
        running.callback(server.child.stop)
        running.callback(live.start_worker(url, home).stop)

        def call(method: str, path: str, body: Any) -> Any:
            answer = server.call(method, f"/api/v1{path}", body)
            assert answer.status < 300, (method, path, json.dumps(answer.body))
            return answer.body

        set_scene(call)
        failed = call("GET", "/executions?status=error&limit=1", None)["data"][0]["id"]
        with connect(url) as connection:
            link = new_link(connection, server.url, server.key)
        playwright = running.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        running.callback(browser.close)
        page = browser.new_page(viewport=VIEW, color_scheme="light")
        page.goto(link)
        take(page, f"{server.url}/console/executions?range=hour", "executions.png")
        page.emulate_media(color_scheme="dark")
        take(page, f"{server.url}/console/executions/{failed}", "execution.png")


def take(page: Page, address: str, name: str) -> None:
    """A picture of a page."""
    page.goto(address, wait_until="networkidle")
    file = FOLDER / name
    page.screenshot(path=file)
    size = file.stat().st_size
    assert size < MAX_BYTES, f"{name} has {size:,} bytes"
    print(f"{file.relative_to(live.PROJECT)}: {size:,} bytes")


if __name__ == "__main__":
    main()
