"""What a node gave: one list over all items, of which few rows are in the page, and one large item as it is stored."""

import re
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from app.console.assets import assets
from app.repository.connection import connect
from app.repository.execution_data import encode_run_data
from tests.console.browsing import KEEP, Stage, needs_chromium, violations

pytestmark = [pytest.mark.slow, needs_chromium]
ITEMS = 3_000
LARGE = ITEMS - 1
MOST_ROWS = 60
RUN = b'{"data":{"main":[[%s]]},"executionStatus":"success","source":[%s]}'
TURNED = 1998
"""An item with letters from right to left, that a mark turns all that follows."""
HEBREW = {"\u202e\u05d0": "\u05d1"}
ODD = b'"big":12345678901234567890123456789,"__proto__":{"x":1},"twice":1,"twice":2.50,"2":"<b>","1":null,'
ODD += orjson.dumps(HEBREW)[1:-1]
ROWS = 45_000
TELL_SEARCHES = """() => document.addEventListener("htmx:trigger", ({ target }) => {
  if (target.name === "search") target.dataset.asked = "";
})"""

COPY_WITHOUT_CLIPBOARD = """async (address) => {
  const { copy } = await import(address);
  const before = document.activeElement;
  Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }); // as over plain HTTP
  await copy(Promise.resolve(new Blob(["1 \u20ac"])), document.querySelector("dialog[open]"));
  delete navigator.clipboard;
  return [await navigator.clipboard.readText(), before === document.activeElement];
}"""
CLICK_OUTSIDE = """dialog => ["a second click", "letters that were marked"].map((what) => {
  const pressed = what === "a second click" ? dialog : dialog.querySelector(".tree");
  pressed.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  dialog.dispatchEvent(new MouseEvent("click", { detail: pressed === dialog ? 2 : 1, bubbles: true }));
  return dialog.open;
})"""


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
        row = b'{"name":"Ada \\"L\\"","list":[1,[2]],"text":"%s"}' % (b"a" * 60)
        return b'{"json":{%s,"text":"%s","rows":[%s]}}' % (ODD, b"one\\ntwo\\n" * 500, b",".join([row] * ROWS))
    late = {"late": "needle", "": 1} if number == LARGE - 1 else HEBREW if number == TURNED else {}
    return orjson.dumps({"json": {"n": number, "text": f"<b>{number}</b> {'word ' * (number % 40)}", **late}})


def item(grid: Locator, number: int) -> Locator:
    return grid.locator(f"[aria-rowindex='{number + 2}']")


def is_in_order(parts: Locator) -> bool:
    """Whether the name stands left of the value."""
    name, value = (parts.nth(at).bounding_box() for at in range(2))
    return name["x"] + name["width"] <= value["x"]


def search_and_copy(page: Page, line: Locator) -> None:
    """Look for a text in the large item with keys alone, and copy what was found."""
    dialog = page.get_by_role("dialog")
    places, path, said = (dialog.locator(name) for name in (".places", ".path", ".note"))
    page.keyboard.press("/")
    page.keyboard.type("TWICE")
    expect(places).to_have_text("1 of 2")
    expect(path).to_have_text("$json.twice")
    expect(line.locator("mark")).to_have_text(["twice", "twice"])
    page.keyboard.press("Shift+Enter")
    expect(places).to_have_text("2 of 2")
    page.keyboard.press("ArrowDown")
    expect(line.filter(has_text="2.50")).to_be_focused()
    page.keyboard.press("Control+c")
    expect(said).to_have_text("Copied the value: 4 bytes")
    assert page.evaluate("navigator.clipboard.readText()") == "2.50"
    page.keyboard.press("Control+f")
    page.keyboard.type("two")  # in a long text each place counts
    expect(places).to_have_text("1 of 500")
    page.keyboard.press("F3")
    expect(line.and_(page.locator("[aria-selected=true]"))).to_have_text("two")
    expect(path).to_have_text("$json.text")
    page.keyboard.press("Control+a")
    page.keyboard.type("none of these")
    expect(places).to_have_text("Not in it")
    page.keyboard.press("Escape")
    dialog.get_by_role("button", name="Copy path").press("Enter")
    expect(said).to_have_text("Copied the path")
    assert page.evaluate("navigator.clipboard.readText()") == "$json.text"
    copied = page.evaluate(COPY_WITHOUT_CLIPBOARD, f"/console/static/{assets().address('copying.js')}")
    assert copied == ["1 \u20ac", True]
    assert dialog.evaluate(CLICK_OUTSIDE) == [True, True]
    dialog.get_by_role("button", name="Open all").press("Enter")
    expect(said).to_have_text("As much is open as can be shown at once")
    expect(path).to_have_text("$json.text")  # one stays where one is
    dialog.get_by_role("button", name="Close all").press("Enter")
    expect(line.filter(has_text='"rows"')).to_have_attribute("aria-expanded", "false")
    expect(path).to_have_text("$item")


def test_one_scrolls_through_all_items_and_looks_at_a_large_one_as_it_is_stored(open_tab, stage):
    page: Page = open_tab(reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"]).page
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
    assert "outputView=json" in page.url
    assert violations(page) == []
    place = jump.input_value()
    page.reload()
    expect(jump).to_have_value(place)
    expect(feed.get_by_label("Item 1998", exact=True)).to_contain_text('"n": 1998')
    output.get_by_role("button", name="Schema").click()
    expect(output).to_contain_text(f"Of all {ITEMS:,} items")
    expect(output.get_by_role("row", name="late text needle")).to_be_visible()
    page.evaluate(TELL_SEARCHES)
    held: list[Route] = []
    page.route(re.compile("view=table"), lambda route: route.continue_() if held else held.append(route))
    output.get_by_role("button", name="Table").click()
    output.get_by_role("searchbox").fill("needle")
    expect(output.locator("[data-asked]")).to_be_attached()
    held[0].continue_()  # the table comes when somebody has searched already
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
    search_and_copy(page, line)
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("Escape")
    expect(item(grid, LARGE)).to_be_focused()
    grid.evaluate("list => list.scrollTo({ left: list.scrollWidth, behavior: 'instant' })")
    assert grid.evaluate("list => list.scrollLeft") > 0
    left = [part.bounding_box()["x"] for part in (grid, item(grid, LARGE).get_by_role("rowheader"))]
    assert left[0] == pytest.approx(left[1], abs=2)  # one sees whose row it is
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []
