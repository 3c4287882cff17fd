"""The console in a real browser: a newcomer's walk, and the keyboard alone."""

import json
import re

import orjson
import pytest
from playwright.sync_api import Page, expect

from app.repository import execution_progress
from app.repository.connection import connect
from tests.console.browsing import NOTE_LOOK, RUNNING, Stage, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]
NOTE_TIMER = """() => {
  window.timer = [];
  const note = () => window.timer.push(document.querySelector("#now [data-since]")?.textContent);
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(note).observe(document.getElementById("now"), all);
}"""


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
    page.evaluate(NOTE_LOOK, "[data-bulk=tag]")
    page.keyboard.press("t")
    dialog.get_by_label("A new tag").fill("seen")
    assert page.evaluate("window.looks.tag") == "0.55"  # it shows that it works
    page.keyboard.press("Enter")
    expect(page.locator(".row .tag")).to_have_text("seen")
    expect(page.locator(".toast").last).to_have_attribute("href", re.compile(r"/executions/\d+$"))
    page.locator("#pick-all").check()
    page.keyboard.press("t")
    dialog.get_by_label("seen").check()
    page.keyboard.press("Enter")
    expect(page.locator(".row .tag")).to_have_count(2)
    expect(page.locator(".toast").last).to_have_attribute("href", re.compile(r"/executions\?touchedBy=\d+$"))
    touched = str(page.locator(".toast").last.get_attribute("href")).removeprefix("/console")
    listed = stage.server.get(f"/api/v1{touched}").body["data"]
    assert [each["id"] for each in listed] == [str(stage.failed), str(stage.succeeded)]
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


def tell(stage: Stage, running: int, version: str, *nodes: dict[str, object], **more: object) -> None:
    """Say how far an execution is, as its worker does."""
    told = {"current": None, "version": version, "nodes": nodes, **more}
    with connect(stage.database_url) as connection:
        execution_progress.save(connection, {running: orjson.dumps(told)}, [])


def test_a_graph_is_one_stop_of_the_tab_key_and_arrows_go_through_it(open_tab, stage):
    with connect(stage.database_url) as connection:
        [(running,)] = connection.execute(RUNNING, [stage.succeeded]).fetchall()
    page: Page = open_tab(at=f"/console/executions/{running}").page
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
    state = page.locator("#live-state")
    tell(stage, running, "0.0")
    expect(state).to_have_attribute("data-version", "0.0")
    with page.expect_response(re.compile(r"/now\?.*since=0\.0$")) as answered:
        counts = {"runs": 1, "items": [7], "status": "success", "changed": 1}
        tell(stage, running, "0.1", {"node": first, **counts, "startTime": 1, "executionTime": 2})
    assert "live-state" not in answered.value.text()  # no more than what has changed
    expect(state).to_have_attribute("data-version", "0.1")
    expect(page.locator("#graph").get_by_role("link", name=f"{first}: succeeded")).to_be_visible()
    expect(page.locator("#graph")).to_contain_text("7 items")
    expect(page.get_by_role("region", name="Timeline").get_by_role("link")).to_have_text(first)
    ran = {"node": first, **counts, "startTime": 1, "executionTime": 2}
    tries = [{"startTime": 1, "executionTime": 20, "error": "Busy"}] * 2
    tell(stage, running, "0.1", ran, current=first, tries=tries[:1])
    page.locator("#graph").get_by_role("link", name=first).click()
    expect(page.locator("#node .tries")).to_contain_text("1 try so far")
    expect(page.locator("#node .panes")).to_be_visible()
    page.evaluate("window.panes = document.querySelector('#node .panes')")
    tell(stage, running, "0.1", ran, current=first, tries=tries)
    expect(page.locator("#node .tries")).to_contain_text("2 tries so far")
    tell(stage, running, "0.1", ran)
    expect(page.locator("#node .tries")).to_have_count(0)
    assert page.evaluate("window.panes.isConnected")
    page.locator("#graph a[tabindex='0']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
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
