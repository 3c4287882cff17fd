"""The console in a real browser: a newcomer's walk, the keyboard alone, and what every page must be."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.console_links import new_link
from app.demo import ApiClient, import_demo
from app.repository.api_keys import create_api_key
from app.repository.connection import connect
from app.repository.projects import create_project
from tests import live
from tests.console.browsing import COPY, RUNNING, Stage, Tab, find_problem, show, violations
from tests.patience import PATIENCE_SECONDS
from tests.postgres import cloned_database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: `apt install chromium` brings one"),
]
PAGES = (
    "executions",
    "executions/{failed}",
    "executions/{failed}/compare?with={succeeded}",
    "executions/{failed}/changes",
    "problems",
    "problems/{problem}",
    "workflows",
    "workflows/{workflow}",
    "engine-room",
)
expect.set_options(timeout=PATIENCE_SECONDS * 1000)
NUMBERS = count()
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-software-rasterizer", "--in-process-gpu")
"""No test looks at pixels: nothing that draws them has a process of its own."""
NARROW = {"width": 360, "height": 740}
ADD_LINKS = """document.querySelectorAll(".advice, .node-head .hint").forEach(
  place => place.insertAdjacentHTML("beforeend", ' started <a href="#7">#7</a>'))"""
NOTE_TIMER = """() => {
  window.timer = [];
  const note = () => window.timer.push(document.querySelector("#now [data-since]")?.textContent);
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(note).observe(document.getElementById("now"), all);
}"""


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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

        def open_one(key: str | None = None, **options: object) -> Tab:
            tab = Tab(chromium, stage, key, **options)
            opened.callback(tab.context.close)
            tabs.append(tab)
            return tab

        yield open_one
        assert [trouble for tab in tabs for trouble in tab.trouble] == []


def test_a_newcomer_finds_the_failure_changes_its_input_and_watches_it_succeed(open_tab, stage):
    page: Page = open_tab().page
    page.get_by_role("link", name="Demo: reserve stock").click()
    failed = page.locator("#graph").get_by_role("link", name="Reserve stock: failed")
    expect(failed).to_be_visible()
    expect(page.get_by_label("What went wrong")).to_contain_text("No stock yet for B-7")
    page.locator("#graph").get_by_role("link", name="Take the order: succeeded").click()
    expect(page.locator("#output-items")).to_contain_text("takenAt")
    page.get_by_text("Expressions, with their values").click()
    expect(page.locator("#values")).to_contain_text("$now.toMillis()")
    failed.click()
    expect(page.locator("#node-name")).to_have_text("Reserve stock")
    field = page.get_by_label("Its input, a list of JSON objects")
    items = json.loads(field.input_value())
    assert items[0]["order"] == "B-7"
    field.fill("[{]")
    page.get_by_role("button", name="Retry from Reserve stock").click()
    expect(page.get_by_text("The input is no JSON")).to_be_visible()
    field.fill(json.dumps([{**items[0], "takenAt": 0, "order": "<b>C-8</b>"}]))
    page.get_by_role("button", name="Retry from Reserve stock").click()
    page.wait_for_url(re.compile(rf"/console/executions/(?!{stage.failed}$)\d+$"))
    expect(page.locator(".head .pill")).to_have_text("Succeeded")
    expect(page.locator("#graph").get_by_role("link", name="Confirm: succeeded")).to_be_visible()
    expect(page.locator("#node")).to_contain_text("Order <b>C-8</b> was reserved")
    page.get_by_role("link", name="Executions", exact=True).first.click()
    expect(page.locator(f"#e-{stage.failed}")).to_contain_text("mended by #")
    expect(page.locator(".chip.s-error").first).to_have_attribute(
        "title", re.compile("^Ended since .* UTC, deleted ones as well$")
    )
    expect(page.locator(".chip.s-running").first).not_to_have_attribute("title", re.compile("."))


def test_the_list_is_worked_with_keys_alone(open_tab, stage):
    page: Page = open_tab().page
    expect(page.locator(".row")).not_to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next, previous row")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator("#dialog").dispatch_event("keydown", {"key": "/"})  # it has the focus until the next frame
    page.keyboard.type(f"#{stage.succeeded}")
    expect(page.locator(".row")).to_have_count(1)
    assert f"search=%23{stage.succeeded}" in page.url
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(page.locator(f"#e-{stage.failed}")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    first = page.locator(".row.current")
    expect(first).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#picked")).to_have_text(" · 1 selected")
    dialog = page.get_by_role("dialog")
    for key, title in (("s", "Stop 0 executions?"), ("r", "Retry 0 executions?")):
        page.keyboard.press(key)
        expect(dialog).to_contain_text(title)
        dialog.get_by_role("button", name="Close").press("Enter")
        expect(dialog).to_be_hidden()
    page.keyboard.press("t")
    dialog.get_by_label("A new tag").fill("seen")
    page.keyboard.press("Enter")
    expect(page.locator(".row .tag")).to_have_text("seen")
    expect(page.locator(".toast").last).to_have_attribute("href", re.compile(r"/executions/\d+$"))
    page.locator("#pick-all").check()
    page.keyboard.press("t")
    dialog.get_by_label("seen").check()
    page.keyboard.press("Enter")
    expect(page.locator(".row .tag")).to_have_count(2)
    touched = page.locator(".toast").last
    expect(touched).to_have_attribute("href", re.compile(rf"search=%23{stage.failed}\+%23{stage.succeeded}$"))
    page.locator("[data-bulk=retry]").click()
    expect(dialog).to_contain_text("Where to go on")
    dialog.get_by_role("button", name="Retry", exact=True).press("Enter")
    expect(page.locator(".toast", has_text="1 retried")).to_have_attribute("href", re.compile(r"/executions/\d+$"))
    page.locator("#newer a").click()
    expect(page.locator(".row")).to_have_count(3)
    stage.server.post(f"/api/v1/workflows/{stage.workflow}/run", {"wait": 20})
    expect(page.locator("#newer")).to_have_text("1 new")
    before = page.locator(".row").count()
    page.locator("[data-bulk=delete]").click()
    expect(dialog).to_contain_text("all executions are meant")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator(".row")).to_have_count(before + 1)
    page.keyboard.press("k")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/console/executions/\d+$"))
    page.go_back()
    expect(page.locator("#picked")).to_have_text(" · 1 selected")


def test_a_graph_is_one_stop_of_the_tab_key_and_arrows_go_through_it(open_tab, stage):
    page: Page = open_tab().page
    with connect(stage.database_url) as connection:
        [(running,)] = connection.execute(RUNNING, [stage.succeeded]).fetchall()
    page.goto(f"/console/executions/{running}")
    nodes = page.locator("#graph").get_by_role("listitem")
    expect(nodes).not_to_have_count(0)
    expect(page.locator("#graph a[tabindex='0']")).to_have_count(1)
    page.locator("#graph a[tabindex='0']").focus()
    page.keyboard.press("Home")
    first = page.evaluate("document.activeElement.dataset.node")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.dataset.node")
    assert second != first
    page.evaluate(NOTE_TIMER)
    for _ in range(2):  # by the second answer the first is on the page
        with page.expect_response(re.compile(r"/now\b")):
            pass
    with connect(stage.database_url) as connection:
        connection.execute("UPDATE executions SET status = 'canceled', stopped_at = now() WHERE id = %s", [running])
    expect(page.locator("#told")).to_have_text(re.compile(rf"^Stopped: .* #{running}$"))
    expect(page).to_have_title(re.compile("^Stopped: "))
    assert page.evaluate("document.activeElement.dataset.node") == second
    assert "…" not in page.evaluate("window.timer")
    with connect(stage.database_url) as connection:
        [(running,)] = connection.execute(RUNNING, [stage.succeeded]).fetchall()
    page.goto(f"/console/executions/{running}")
    page.get_by_role("button", name="Stop").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".head .pill")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Retry", exact=True)).to_be_focused()
    page.goto(f"/console/executions/{stage.failed}")
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("A new tag").fill("seen")
    page.keyboard.press("Enter")
    expect(page.locator(".facts .tag")).to_have_text("seen")


def test_a_hidden_tab_asks_for_nothing_and_catches_up_when_it_is_shown(open_tab, stage):
    page: Page = open_tab().page
    expect(page.locator(".row")).not_to_have_count(0)
    show(page, hidden=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    stage.server.post(f"/api/v1/workflows/{stage.workflow}/run", {"wait": 20})
    page.wait_for_timeout(3_500)  # longer than it polls where it hears of no events
    assert asked == []
    show(page, hidden=False)
    expect(page.locator("#newer")).to_contain_text("new")
    assert any("/executions/events" in address for address in asked)


def test_what_was_written_stays_when_the_session_ends_and_is_sent_after_signing_in_elsewhere(open_tab, stage):
    tab = open_tab()
    page: Page = tab.page
    page.goto(f"/console/executions/{stage.failed}?node=Reserve+stock")
    field = page.get_by_label("Its input, a list of JSON objects")
    items = [{**json.loads(field.input_value())[0], "takenAt": 0}]
    field.fill(json.dumps(items))
    with connect(stage.database_url) as connection:
        connection.execute("DELETE FROM console_sessions")
    page.get_by_role("button", name="Retry from Reserve stock").click()
    expect(page.locator("#signed-out")).to_contain_text("You are signed out")
    assert json.loads(field.input_value()) == items
    with connect(stage.database_url) as connection:
        link = new_link(connection, "", stage.server.key)
    other = tab.context.new_page()
    other.goto(link)
    other.close()
    page.get_by_role("button", name="Retry from Reserve stock").click()
    page.wait_for_url(re.compile(rf"/console/executions/(?!{stage.failed}$)\d+$"))
    expect(page.locator(".head .pill")).to_have_text("Succeeded")
    tab.trouble = [said for said in tab.trouble if "status of 401" not in said and "status of 403" not in said]


def test_older_rows_come_as_one_scrolls_and_only_those_that_are_searched_for(open_tab, stage):
    with connect(stage.database_url) as connection:
        connection.execute(COPY, [120, stage.succeeded])
    page: Page = open_tab().page
    expect(page.locator(".row")).to_have_count(50)
    search = page.get_by_role("searchbox")
    with page.expect_response(lambda response: "/executions/newer?search" in response.url):
        search.fill(f"#{stage.failed}")
    assert page.locator(".row").count() == 1  # what the longer list would have gone on with is not asked for
    search.fill("")
    expect(page.locator(".row")).to_have_count(50)
    boxes = "[...document.querySelectorAll('#filters [name=status]')]"
    page.evaluate(f"{boxes}.forEach((box, number) => number < 2 && box.click())")  # each in place of the one before
    expect(page.locator(".row")).to_have_count(0)
    page.evaluate(f"{boxes}.forEach((box, number) => number < 2 && box.click())")
    expect(page.locator(".row")).to_have_count(50)
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".row").nth(60)).to_be_attached()
    page.locator("#pick-all").check()
    page.locator("[data-bulk=delete]").click()
    expect(page.get_by_role("dialog")).to_contain_text("selected are meant")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "true")
    chart = page.locator("#histogram .u-over")
    chart.scroll_into_view_if_needed()
    place = chart.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 5)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] - 2, place["y"] + 5, steps=3)
    page.mouse.up()
    page.wait_for_url(re.compile("startedAfter=.*startedBefore="))
    page.goto(f"/console/workflows/{stage.workflow}")
    page.get_by_label("Input, a list of JSON objects").fill('[{"order": "A-7"}]')
    page.locator("#run").get_by_role("button", name="Run").click()
    page.wait_for_url(re.compile(r"/console/executions/\d+$"))


def test_what_another_tab_has_deleted_is_gone_and_a_server_that_is_away_is_said_once(open_tab, stage):
    tab = open_tab()
    page: Page = tab.page
    other = tab.context.new_page()
    view = stage.server.post("/api/v1/views", {"name": "Mine", "query": "status=error"})
    assert view.status == 201, view.body
    page.goto("/console/executions")
    page.locator("summary", has_text="Views").click()
    assert stage.server.call("DELETE", f"/api/v1/views/{view.body['id']}").status == 200
    page.get_by_role("button", name="Delete the view Mine").click()
    expect(page.locator(".view")).to_have_count(0)
    page.get_by_label("Save these filters as").fill("<b>All</b>")
    page.keyboard.press("Enter")
    expect(page.locator(".view")).to_have_text("<b>All</b>")
    with connect(stage.database_url) as connection:
        [(running,)] = connection.execute(RUNNING, [stage.succeeded]).fetchall()
    other.goto(f"/console/executions/{running}")
    expect(other.locator(".head .pill")).to_have_text("Running")
    tab.context.set_offline(True)
    expect(other.locator("#unreachable")).to_have_text(re.compile("The server cannot be reached"))
    tab.context.set_offline(False)
    expect(other.locator("#unreachable")).to_have_count(0)
    with connect(stage.database_url) as connection:
        connection.execute("DELETE FROM executions WHERE id = %s", [running])
    expect(other.locator("#gone")).to_contain_text("This execution was deleted")
    expected = ("Failed to load resource", "htmx:sendError", "htmx:afterRequest")
    tab.trouble = [said for said in tab.trouble if not said.startswith(expected)]


def test_every_page_is_fit_for_everybody_and_for_a_phone(open_tab, stage):
    problem = find_problem(stage)
    with connect(stage.database_url) as connection:
        connection.execute(RUNNING, [stage.succeeded])
    page: Page = open_tab(live.KEY, color_scheme="light", reduced_motion="reduce").page
    for path in PAGES:
        page.goto(f"/console/{path.format(**vars(stage), problem=problem)}")
        if path == "executions/{failed}":
            expect(page.locator("#node-name")).to_be_visible()
            page.evaluate(ADD_LINKS)  # as a failure in a sub-execution has them
            for link in page.get_by_text("#7", exact=True).all():
                expect(link).to_have_css("text-decoration-line", "underline")
        assert violations(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert violations(page, only="color-contrast") == [], path
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(NARROW)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
        page.set_viewport_size({"width": 1280, "height": 800})
