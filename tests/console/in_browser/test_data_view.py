"""What a node gave: one list over all items, of which few rows are in the page, and one large item as it is stored."""

import re
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from playwright.sync_api import Locator, Page, expect

from app.repository.connection import connect
from app.repository.execution_data import encode_run_data
from tests.console.browsing import Stage, needs_chromium, violations

pytestmark = [pytest.mark.slow, needs_chromium]
ITEMS = 3_000
LARGE = ITEMS - 1
MOST_ROWS = 60
RUN = b'{"data":{"main":[[%s]]},"executionStatus":"success","source":[%s]}'
KEEP = """
    UPDATE execution_data AS d
       SET data = NULL, encoding = %(encoding)s, encoded = %(encoded)s, run_index = %(run_index)s
     WHERE d.execution_id = %(id)s
"""
TURNED = 1998
"""An item with letters from right to left, that a mark turns all that follows."""
HEBREW = {"\u202e\u05d0": "\u05d1"}
ODD = b'"big":12345678901234567890123456789,"__proto__":{"x":1},"twice":1,"twice":2.50,"2":"<b>","1":null,'
ODD += orjson.dumps(HEBREW)[1:-1]
ROWS = 45_000


def keep(stage: Stage, items: list[bytes]) -> str:
    """Let the execution that succeeded have given these items. Returns the path of its page with the node that did."""
    orders = RUN % (b'{"json":{"order":"A-7"}}', b"")
    total = RUN % (b",".join(items), b'{"previousNode":"Orders"}')
    document = b'{"resultData":{"runData":{"Orders":[%s],"Total":[%s]}}}' % (orders, total)
    [encoded] = encode_run_data([document])
    with connect(stage.database_url) as connection:
        assert connection.execute(KEEP, {**encoded.values(), "id": stage.succeeded}).rowcount == 1
    return f"/console/executions/{stage.succeeded}?node=Total"


def make_item(number: int) -> bytes:
    """Items of different heights; the last but one has a field that no other has, the last one is large."""
    if number == LARGE:
        row = b'{"name":"Ada \\"L\\"","list":[1,2,3],"text":"%s"}' % (b"a" * 60)
        return b'{"json":{%s,"text":"%s","rows":[%s]}}' % (ODD, b"one\\ntwo\\n" * 500, b",".join([row] * ROWS))
    late = {"late": "needle"} if number == LARGE - 1 else HEBREW if number == TURNED else {}
    return orjson.dumps({"json": {"n": number, "text": f"<b>{number}</b> {'word ' * (number % 40)}", **late}})


def item(grid: Locator, number: int) -> Locator:
    return grid.locator(f"[aria-rowindex='{number + 2}']")


def is_in_order(parts: Locator) -> bool:
    """Whether the name stands left of the value."""
    name, value = (parts.nth(at).bounding_box() for at in range(2))
    return name["x"] + name["width"] <= value["x"]


def test_one_scrolls_through_all_items_and_looks_at_a_large_one_as_it_is_stored(open_tab, stage):
    page: Page = open_tab(reduced_motion="reduce").page
    asked: list[str] = []
    page.on("request", lambda request: "/items?" in request.url and asked.append(request.url))
    page.goto(keep(stage, [make_item(number) for number in range(ITEMS)]))
    output = page.locator("#output-items")
    grid, feed, jump = output.get_by_role("grid"), output.get_by_role("feed"), output.get_by_role("spinbutton")
    expect(grid).to_have_attribute("aria-rowcount", str(ITEMS + 1))
    expect(item(grid, 0)).to_contain_text("<b>0</b>")
    jump.fill("2000")
    jump.press("Enter")
    expect(item(grid, 2000)).to_contain_text("<b>2000</b>")
    offsets = [int(parse_qs(urlsplit(url).query)["offset"][0]) for url in asked]
    assert [offset for offset in offsets if 100 < offset < 1_900] == []  # what is passed over is not asked for
    assert page.locator(".virtual-row").count() < MOST_ROWS
    expect(grid.locator("[aria-busy]")).to_have_count(0)
    before = item(grid, 2000).bounding_box()
    grid.evaluate("list => list.scrollBy(0, -200)")
    expect(grid.locator("[aria-busy]")).to_have_count(0)
    assert item(grid, 2000).bounding_box()["y"] == pytest.approx(before["y"] + 200, abs=2)  # rows above are higher
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page, only=None if scheme == "light" else "color-contrast") == []

    output.get_by_role("button", name="JSON").click()
    expect(feed.get_by_label("Item 1998", exact=True)).to_contain_text('"n": 1998')  # one is still there
    assert is_in_order(
        feed.get_by_label(f"Item {TURNED}", exact=True).locator("bdi", has_text=re.compile("[\u05d0\u05d1]"))
    )
    assert "view=json" in page.url
    assert violations(page) == []
    place = jump.input_value()
    page.reload()
    expect(jump).to_have_value(place)
    expect(feed.get_by_label("Item 1998", exact=True)).to_contain_text('"n": 1998')
    output.get_by_role("button", name="Schema").click()
    expect(output).to_contain_text(f"Of all {ITEMS:,} items")
    expect(output.get_by_role("row", name="late text needle")).to_be_visible()
    output.get_by_role("button", name="Table").click()
    expect(grid).to_have_attribute(
        "aria-rowcount", str(ITEMS + 1)
    )  # what is typed before it is there asks of the schema
    output.get_by_role("searchbox").fill("needle")
    expect(output.locator(".said")).to_have_text(f"1 found in items 0 to {LARGE:,}")
    expect(item(grid, 0)).to_contain_text("needle")
    output.get_by_role("searchbox").fill("")
    expect(grid).to_have_attribute("aria-rowcount", str(ITEMS + 1))

    grid.locator(".virtual-row[tabindex='0']").focus()
    page.keyboard.press("End")
    expect(item(grid, LARGE)).to_contain_text("too large")
    expect(item(grid, LARGE)).to_be_focused()
    page.keyboard.press("Enter")
    tree = page.get_by_role("dialog").get_by_role("tree")
    line = tree.get_by_role("treeitem")
    expect(line.first).to_be_focused()
    expect(line.filter(has_text='"rows"')).to_contain_text(f"[ {ROWS:,} items ]")
    shown = [text for text in tree.inner_text().splitlines() if text][2:8]
    assert shown == [
        '"big": 12345678901234567890123456789',
        '"__proto__": { 1 member }',
        '"twice": 1',
        '"twice": 2.50',
        '"2": "<b>"',
        '"1": null',
    ]
    assert is_in_order(line.filter(has_text="\u05d0").locator("span"))
    text, rows = line.filter(has_text='"text"'), line.filter(has_text='"rows"')
    text.click()
    expect(line.filter(has_text=re.compile("^two$")).first).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(text).to_have_attribute("aria-expanded", "false")
    rows.click()
    expect(rows).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("End")
    last = line.filter(has_text=re.compile(f"^{ROWS - 1}:"))
    expect(last).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(last).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    expect(line.filter(has_text=r'"name": "Ada \"L\""')).to_be_focused()
    assert page.locator(".virtual-row").count() < 2 * MOST_ROWS
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("Escape")
    expect(item(grid, LARGE)).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []
