"""What the console's pages do while one works in them, in other tabs or not at all."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from app.console_links import new_link
from app.repository.connection import connect
from tests.console.browsing import COPY, NOTE_LOOK, RUNNING, SIGN_IN, needs_chromium, show
from tests.workflows import chain, node

WHERE = "parts => parts.map((part) => part.getBoundingClientRect()).map(({ left, top }) => [left, top].map(Math.round))"
pytestmark = [pytest.mark.slow, needs_chromium]


def test_a_hidden_tab_asks_for_nothing_and_catches_up_when_it_is_shown(open_tab, stage):
    tab = open_tab()
    page: Page = tab.page
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
    show(page, hidden=True)
    with connect(stage.database_url) as connection:
        connection.execute("DELETE FROM console_sessions")
    with page.expect_response(lambda response: "/executions/histogram" in response.url) as drawn:
        show(page, hidden=False)
    assert drawn.value.status == 401  # and not the page that signs in, in the place of figures
    expect(page.locator("#signed-out")).to_contain_text("You are signed out")
    tab.trouble = [said for said in tab.trouble if "401" not in said]


def test_what_was_written_stays_when_the_session_ends_and_is_sent_after_signing_in_elsewhere(open_tab, stage):
    tab = open_tab(at=f"/console/executions/{stage.failed}?node=Reserve+stock")
    page: Page = tab.page
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
    page.evaluate(NOTE_LOOK, "#results")
    with page.expect_response(lambda response: "/executions/newer?search" in response.url):
        search.fill(f"#{stage.failed}")
    assert page.evaluate("window.looks.filters") == "0.65"  # it shows that it looks
    assert page.locator(".row").count() == 1  # what the longer list would have gone on with is not asked for
    search.fill("")
    expect(page.locator(".row")).to_have_count(50)
    boxes = "[...document.querySelectorAll('#filters [name=status]')]"
    page.evaluate(f"{boxes}.forEach((box, number) => number < 2 && box.click())")  # each in place of the one before
    expect(page.locator(".row")).to_have_count(0)
    page.evaluate(f"{boxes}.forEach((box, number) => number < 2 && box.click())")
    expect(page.locator(".row")).to_have_count(50)
    page.mouse.wheel(0, 20_000)
    left = page.locator(".row").nth(60)
    expect(left).to_be_attached()
    left.scroll_into_view_if_needed()
    page.locator(f"#{left.get_attribute('id')} .name a").click()
    page.wait_for_url(re.compile(r"/console/executions/\d+$"))
    page.go_back()
    expect(page.locator(".row").nth(60)).to_be_in_viewport()
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
    view = stage.server.post("/api/v1/views", {"name": "Mine", "query": "status=error"})
    assert view.status == 201, view.body
    tab = open_tab()
    page: Page = tab.page
    other = tab.context.new_page()
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
    asked = re.compile(r"/executions/(\d+/now|newer)\b")
    tab.context.route(asked, lambda route: route.fulfill(status=503, body="away"))
    for each in (other, page):
        show(each, hidden=False)  # as if it were shown again, it asks at once
        expect(each.locator("#unreachable")).to_contain_text("The server answers with status 503")
        expect(each.locator(".toast", has_text="503")).to_have_count(1)
    tab.context.unroute(asked)
    for each in (other, page):
        show(each, hidden=False)
        expect(each.locator("#unreachable")).to_have_count(0)
    with connect(stage.database_url) as connection:
        connection.execute("DELETE FROM executions WHERE id = %s", [running])
    expect(other.locator("#gone")).to_contain_text("This execution was deleted")
    expected = ("Failed to load resource", "htmx:sendError", "htmx:afterRequest", "Response Status Error Code 503")
    tab.trouble = [said for said in tab.trouble if not said.startswith(expected)]


def test_a_workflow_is_activated_its_address_is_copied_and_what_loads_says_so(open_tab, stage):
    path = f"orders-{stage.failed}"
    hook = node("Hook", "n8n-nodes-base.webhook", {"path": path})
    workflow = stage.server.post("/api/v1/workflows", chain(hook, name="Hooked")).body["id"]
    granted = ["clipboard-read", "clipboard-write"]
    page: Page = open_tab(at=f"/console/workflows/{workflow}", permissions=granted).page
    field = page.get_by_label("Input, a list of JSON objects")
    field.fill('[{"order": 1}')
    page.get_by_role("button", name="Activate", exact=True).press("Enter")
    expect(page.locator("#state")).to_have_text("active")
    expect(page.get_by_role("button", name="Deactivate")).to_be_visible()
    expect(field).to_have_value('[{"order": 1}')
    page.get_by_role("button", name="Copy the address of Hook").press("Enter")
    expect(page.locator(".toast", has_text="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{stage.server.url}/webhook/{path}"
    page.get_by_role("button", name="Deactivate").press("Enter")
    expect(page.get_by_role("button", name="Activate", exact=True)).to_be_visible()
    held: list[Route] = []
    page.route(re.compile("/parameters"), lambda route: held.append(route))
    page.goto(f"/console/executions/{stage.failed}?node=Take+the+order")
    with page.expect_request(re.compile("/parameters")):
        page.get_by_text("Expressions, with their values").press("Enter")
    expect(page.locator("#values")).to_have_text("Loading …")
    held[0].continue_()
    expect(page.locator("#values")).to_contain_text("$now.toMillis()")


def test_nothing_moves_when_the_histogram_and_its_counts_come(open_tab, stage):
    page: Page = open_tab(at=SIGN_IN).page
    held: list[Route] = []
    page.route(re.compile("/executions/histogram"), lambda route: held.append(route))
    with page.expect_request(re.compile("/executions/histogram")):
        page.goto("/console/executions")
    expect(page.locator(".row")).to_have_count(2)
    parts = page.locator("#results, .chip")
    before = parts.evaluate_all(WHERE)
    held[0].continue_()
    expect(page.locator(".chip.s-success b")).to_have_text("1")
    assert parts.evaluate_all(WHERE) == before


def test_a_graph_is_as_large_before_a_script_has_drawn_it(open_tab, stage):
    place = f"/console/executions/{stage.failed}"
    drawn, plain = open_tab(at=place).page, open_tab(at=place, java_script_enabled=False).page
    for width in (1280, 700, 360):
        sizes = []
        for page in (drawn, plain):
            page.set_viewport_size({"width": width, "height": 800})
            box = page.locator("#graph").bounding_box()
            sizes.append([box["width"], box["height"]])
        assert sizes[0] == pytest.approx(sizes[1], abs=1), width
