"""The console over many executions: how long its pages take, beside a blank one, and how much a browser loads."""

import http.client
import shutil
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.console_links import new_link
from app.repository.connection import connect
from tests import live
from tests.bench.report import Report

ROUNDS = 60
BLANK = "/console/sign-in"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PAGES = {
    "a blank page": (BLANK, {}),
    "list of the API, 100": ("/api/v1/executions?limit=100", {}),
    "list page": ("/console/executions", {}),
    "list alone, as a filter asks for it": ("/console/executions?status=error", {"HX-Request": "true"}),
    "list of the API, 100 that match it": ("/api/v1/executions?limit=100&status=error", {}),
    "older rows": ("/console/executions/more?cursor={cursor}", {"HX-Request": "true"}),
    "how many are new": ("/console/executions/newer?after=1", {"HX-Request": "true"}),
    "histogram": ("/console/executions/histogram", {}),
    "one execution": ("/console/executions/{id}", {}),
    "problems": ("/console/problems", {}),
    "workflows": ("/console/workflows", {}),
    "engine room": ("/console/engine-room", {}),
}
PAINTS = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
PAINT_WAITS = 200  # of 20 ms each
LOADED = "performance.getEntriesByType('resource').filter((r) => r.name.includes('/static/'))"
KEY_TO_PAINT = """() => new Promise((done) => {
    const began = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""


def report_console(report: Report, home: Path, database_url: str) -> None:
    """Each page, one request after the other; and what a browser says, where there is one."""
    server = live.start_server(database_url, home)
    try:
        with connect(database_url) as connection:
            link = new_link(connection, "", server.key)
        with report.table("the console", **{"ms": ",.1f", "of a blank page": ",.1f", "KB": ",.1f"}) as table:
            client = Client(server.url)
            client.sign_in(link)
            parts = parts_of(server)
            blank = 0.0
            for name, (path, headers) in PAGES.items():
                milliseconds, size = client.measure(path.format(**parts), headers)
                blank = blank or milliseconds
                table.add(name, milliseconds, milliseconds / blank, size / 1024)
        report_browser(report, server, database_url)
    finally:
        server.child.stop()


def parts_of(server: live.LiveServer) -> dict[str, str]:
    """An execution, and where the second page of the list begins."""
    found = server.get("/api/v1/executions?limit=50").body
    return {"id": found["data"][0]["id"], "cursor": found["nextCursor"]}


class Client:
    """One connection that keeps its cookie."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._headers = dict(SAME_ORIGIN)

    def sign_in(self, link: str) -> None:
        self._connection.request("GET", link)
        answer = self._connection.getresponse()
        answer.read()
        self._headers["Cookie"] = str(answer.getheader("Set-Cookie")).split(";")[0]

    def measure(self, path: str, headers: dict[str, str]) -> tuple[float, int]:
        """The median of the milliseconds that an answer takes, and its bytes, gzipped as a browser gets them."""
        times, size = [], 0
        for _ in range(ROUNDS):
            began = time.perf_counter()
            self._connection.request("GET", path, headers={**self._headers, **headers, "Accept-Encoding": "gzip"})
            answer = self._connection.getresponse()
            size = len(answer.read())
            times.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200, (path, answer.status)
        return statistics.median(times), size


def report_browser(report: Report, server: live.LiveServer, database_url: str) -> None:
    """First paint, the time from a key to the next paint, and the scripts and styles of the list's page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    from playwright.sync_api import sync_playwright

    with connect(database_url) as connection:
        link = new_link(connection, server.url, server.key)
    with sync_playwright() as playwright, report.table("its list in a browser", **{"": ",.1f"}) as table:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(link)
        paints = []
        for _ in range(ROUNDS // 6):
            page.goto(f"{server.url}/console/executions", wait_until="load")
            paints.append(first_paint(page))
        table.add("first paint, ms", statistics.median(paints))
        presses = [float(page.evaluate(KEY_TO_PAINT)) for _ in range(ROUNDS // 3)]
        table.add("from a key to the next paint, ms", statistics.median(presses))
        fresh = browser.new_context(storage_state=page.context.storage_state()).new_page()
        fresh.goto(f"{server.url}/console/executions", wait_until="networkidle")
        loaded = fresh.evaluate(f"{LOADED}.reduce((sum, each) => sum + each.encodedBodySize, 0)")
        table.add("scripts and styles, KB compressed", loaded / 1024)
        browser.close()


def first_paint(page: Any) -> float:
    """When the page was painted first, in ms. Its policy lets no text be run, so it is asked for repeatedly."""
    for _ in range(PAINT_WAITS):
        found = page.evaluate(PAINTS)
        if found is not None:
            return float(found)
        page.wait_for_timeout(20)
    raise TimeoutError("The page was never painted")
