"""The console's data view in a browser: the longest task of its main thread while one moves through big items."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.console_links import new_link
from app.repository.connection import connect
from tests import live
from tests.bench.console import BLANK
from tests.bench.report import Report
from tests.bench.run_data import record

CHROMIUM = shutil.which("chromium")
NODES = ("Tall", "Wide", "Large")
TALL, WIDE, ROWS = 300_000, 3_000, 45_000
"""Items of little, of 40 columns each, and what the list in one large item has."""
LARGE_ROW = {"name": 'Ada "L"', "list": [1, 2, {"deep": None}], "text": "lorem ipsum " * 15}
TASKS = ["toplevel", "disabled-by-default-devtools.timeline"]
PATIENCE_MS = 60_000
Walk = Callable[[Page], None]


def document() -> bytes:
    """Data of a run whose nodes gave many items, wide ones, and a large one."""
    wide = orjson.dumps({"json": {f"column {number}": "word " * 30 for number in range(40)}})
    outputs = {
        "Tall": b",".join([b'{"json":{"n":%d,"text":"row %d"}}' % (number, number) for number in range(TALL)]),
        "Wide": b",".join([wide] * WIDE),
        "Large": orjson.dumps({"json": {"log": "a line of a log\n" * 50_000, "rows": [LARGE_ROW] * ROWS}}),
    }
    run = b'[{"data":{"main":[[%s]]},"executionStatus":"success","source":[]}]'
    runs = b",".join(b'"%s":%s' % (name.encode(), run % items) for name, items in outputs.items())
    return b'{"resultData":{"runData":{%s}}}' % runs


def report_data_view(report: Report, home: Path, database_url: str) -> None:
    """What a browser says, where there is one."""
    if CHROMIUM is None:
        return
    server = live.start_server(database_url, home)
    try:
        with connect(database_url, autocommit=True) as connection:
            number, _ = record(connection, document(), "data-view", NODES)
            link = new_link(connection, server.url, server.key)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(link)
            report_tasks(report, browser, page, f"{server.url}/console/executions/{number}", f"{server.url}{BLANK}")
            browser.close()
    finally:
        server.child.stop()


def report_tasks(report: Report, browser: Browser, page: Page, execution: str, blank: str) -> None:
    """The longest task of each walk, beside that of the same walk over a blank page; `page` has signed in."""
    walks: Mapping[str, tuple[str, Walk]] = {
        "a blank page": (blank, scroll),
        f"{TALL:,} items as a table": (f"{execution}?node=Tall", move_through),
        f"{WIDE:,} items of 40 columns": (f"{execution}?node=Wide", move_through),
        f"{WIDE:,} items of 40 columns, as JSON": (
            f"{execution}?node=Wide&inputView=json&outputView=json",
            move_through,
        ),
        "all of an item of 15 MB": (f"{execution}?node=Large", look_into),
    }
    columns = {"wall ms": ",.0f", "processor ms": ",.0f", "of a blank page": ",.1f", "over 50 ms": ",d"}
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    with report.table("the longest task of its data view", **columns) as table:
        idle = None
        for name, (address, walk) in walks.items():
            browser.start_tracing(page=page, categories=TASKS)
            page.goto(address, wait_until="load")
            walk(page)
            tasks = tasks_of(browser.stop_tracing())
            wall, used = max(each[0] for each in tasks), max(each[1] for each in tasks)
            idle = idle or used
            table.add(name, wall, used, used / idle, sum(each[1] > 50 for each in tasks))


def scroll(page: Page) -> None:
    """Turn the wheel, down and up."""
    for by in (*[700] * 12, *[-700] * 6):
        page.mouse.wheel(0, by)
        page.wait_for_timeout(40)


def move_through(page: Page) -> None:
    """Scroll, jump, and go to the end of what a node gave."""
    items = page.locator("#output-items .virtual")
    expect(items.locator("[aria-busy]")).to_have_count(0)
    items.hover()
    scroll(page)
    jump = page.locator("#output-items .jump input")
    for place in (TALL // 3, WIDE // 2):
        jump.fill(str(place))
        jump.press("Enter")
        expect(items.locator("[aria-busy]")).to_have_count(0)
    items.locator(".virtual-row[tabindex='0']").focus()
    for key in ("End", "PageUp", "ArrowUp", "Home"):
        page.keyboard.press(key)
        expect(items.locator("[aria-busy]")).to_have_count(0)


def look_into(page: Page) -> None:
    """Open all of an item, search in it, go from place to place, scroll."""
    first = page.locator("#output-items .virtual-row").first
    expect(first).not_to_have_attribute("aria-busy", "true")
    first.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("[type=search]")).to_be_enabled()
    dialog.locator(".tree").hover()
    dialog.locator("[type=search]").fill("ada")
    expect(dialog.locator(".places")).to_contain_text("1 of")
    for _ in range(10):
        page.keyboard.press("Shift+F3")
        scroll(page)
    dialog.get_by_role("button", name="Open all").click()
    expect(dialog.locator(".note")).to_contain_text("open as can be")
    scroll(page)
    page.keyboard.press("Escape")


def tasks_of(trace: bytes) -> list[tuple[float, float]]:
    """How long each task of the page's main thread took, and how much of the processor, in ms."""
    events: list[dict[str, Any]] = orjson.loads(trace)["traceEvents"]
    named = [each for each in events if each["name"] == "thread_name"]
    threads = {(each["pid"], each["tid"]) for each in named if each["args"]["name"] == "CrRendererMain"}
    tasks = [each for each in events if each["name"].endswith("RunTask") and (each["pid"], each["tid"]) in threads]
    return [(each.get("dur", 0) / 1000, each.get("tdur", 0) / 1000) for each in tasks] or [(0.0, 0.0)]
