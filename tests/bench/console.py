"""The console over many executions: how long its pages take, beside a blank one, and how much a browser loads."""

import http.client
import shutil
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.console_links import new_link
from app.repository.connection import connect
from tests import live
from tests.bench.report import Report

ROUNDS = 60
BLANK = "/console/sign-in"
LIST = "/console/executions"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PAGES = {
    "a blank page": (BLANK, {}),
    "list of the API, 100": ("/api/v1/executions?limit=100", {}),
    "list page": (LIST, {}),
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
BESIDE = {
    "list page": "list of the API, 100",
    "list alone, as a filter asks for it": "list of the API, 100 that match it",
}
"""What the API has in place of a page."""
PAINTS = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
BROWSER_ROUNDS = 10
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
        columns = {"ms": ",.1f", "of a blank page": ",.1f", "of the API's list": ",.2f", "KB": ",.1f"}
        with report.table("the console", **columns) as table:
            client = Client(server.url)
            client.sign_in(link)
            parts = parts_of(server)
            times, sizes = client.measure({name: (path.format(**parts), each) for name, (path, each) in PAGES.items()})
            for name, taken in times.items():
                other = times.get(BESIDE.get(name, ""))
                of_the_list = None if other is None else ratio(taken, other)
                blank = ratio(taken, times["a blank page"])
                table.add(name, statistics.median(taken), blank, of_the_list, sizes[name] / 1024)
        report_browser(report, server, database_url)
    finally:
        server.child.stop()


def ratio(taken: Sequence[float], other: Sequence[float]) -> float:
    """How many times as long as the other one took right before or after it, in the median."""
    return statistics.median(one / beside for one, beside in zip(taken, other, strict=True))


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

    def measure(
        self, pages: Mapping[str, tuple[str, Mapping[str, str]]], rounds: int = ROUNDS
    ) -> tuple[dict[str, list[float]], dict[str, int]]:
        """The milliseconds that each page took, one after the other in each round, and its bytes as a browser gets it.

        Taking turns, all of them meet the same load of the machine.
        """
        times: dict[str, list[float]] = {name: [] for name in pages}
        sizes: dict[str, int] = {}
        for _ in range(rounds):
            for name, (path, headers) in pages.items():
                began = time.perf_counter()
                sizes[name] = self.ask(path, headers)
                times[name].append((time.perf_counter() - began) * 1000)
        return times, sizes

    def ask(self, path: str, headers: Mapping[str, str]) -> int:
        """The size of an answer, gzipped."""
        self._connection.request("GET", path, headers={**self._headers, **headers, "Accept-Encoding": "gzip"})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (path, answer.status)
        return len(content)


def report_browser(report: Report, server: live.LiveServer, database_url: str) -> None:
    """First paint, the time from a key to the next paint, and scripts and styles, of the list and of an execution."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    from playwright.sync_api import sync_playwright

    with connect(database_url) as connection:
        link = new_link(connection, server.url, server.key)
    pages = {"its list": LIST, "an execution": PAGES["one execution"][0].format(**parts_of(server))}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(link)
        for name, path in pages.items():
            report_page(report, browser, page, name, f"{server.url}{path}", f"{server.url}{BLANK}")
        browser.close()


def report_page(report: Report, browser: Any, page: Any, name: str, address: str, blank: str) -> None:
    """What a browser says of one page, that has signed in."""
    columns = {"": ",.1f", "a blank page": ",.1f", "of a blank page": ",.1f"}
    with report.table(f"{name} in a browser", **columns) as table:
        paints: dict[str, list[float]] = {address: [], blank: []}
        presses: dict[str, list[float]] = {address: [], blank: []}
        for _ in range(BROWSER_ROUNDS):
            for path in paints:
                page.goto(path, wait_until="load")
                paints[path].append(first_paint(page))
                presses[path] += [float(page.evaluate(KEY_TO_PAINT)) for _ in range(3)]
        for what, times in (("first paint, ms", paints), ("from a key to the next paint, ms", presses)):
            beside = ratio(times[address], times[blank])
            table.add(what, statistics.median(times[address]), statistics.median(times[blank]), beside)
        fresh = browser.new_context(storage_state=page.context.storage_state()).new_page()
        fresh.goto(address, wait_until="networkidle")
        loaded = fresh.evaluate(f"{LOADED}.reduce((sum, each) => sum + each.encodedBodySize, 0)")
        table.add("scripts and styles, KB compressed", loaded / 1024, None, None)


def first_paint(page: Any) -> float:
    """When the page was painted first, in ms. Its policy lets no text be run, so it is asked for repeatedly."""
    for _ in range(PAINT_WAITS):
        found = page.evaluate(PAINTS)
        if found is not None:
            return float(found)
        page.wait_for_timeout(20)
    raise TimeoutError("The page was never painted")
