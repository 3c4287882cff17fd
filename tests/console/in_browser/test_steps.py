"""What one has done on a page step by step is taken back by Back, and done again by Forward."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from app.repository.connection import connect
from app.repository.execution_data import encode_run_data
from tests.console.browsing import COPY, KEEP, Stage, needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]
ROUND = b'{"data":{"main":[[{"json":{"round":%d}}]]},"executionStatus":"success","source":[{"previousNode":"Orders"}]}'
TWO = ROUND.replace(b'[{"json":{"round":%d}}]', b'[{"json":{"first":%d}}],[{"json":{"second":%d}}]')
ORDERS = b'{"data":{"main":[[{"json":{"order":"A-7"}}]]},"executionStatus":"success","source":[]}'
RUN = b'{"resultData":{"lastNodeExecuted":"Total","runData":{"Orders":[%s],"Total":[%s]}}}'

SCROLL_TO = """number => new Promise((done) => {
  addEventListener("scrollend", () => setTimeout(done), { once: true });
  const row = document.querySelectorAll(".row")[number];
  scrollBy({ top: row.getBoundingClientRect().top - 300, behavior: "instant" });
})"""


def keep_rounds(stage: Stage, made: bytes = ROUND) -> str:
    """Let a node of the execution that succeeded have run three times. Returns the path of its page."""
    rounds = b",".join(made.replace(b"%d", b"%d" % number) for number in range(3))
    [encoded] = encode_run_data([RUN % (ORDERS, rounds)])
    with connect(stage.database_url) as connection:
        assert connection.execute(KEEP, {**encoded.values(), "id": stage.succeeded}).rowcount == 1
    return f"/console/executions/{stage.succeeded}"


def test_nodes_rounds_and_views_are_steps_and_what_was_written_stays(open_tab, stage):
    page: Page = open_tab(at=keep_rounds(stage)).page
    name, output = page.locator("#node-name"), page.locator("#output-items")
    expect(name).to_be_visible()
    first = name.inner_text()
    addresses = [page.url]

    def see(node: str, said: str) -> None:
        expect(name).to_have_text(node)
        expect(page.locator("#graph [aria-current=true]")).to_have_attribute("data-node", node)
        expect(output).to_contain_text(said)

    page.locator("#graph [data-node=Orders]").click()
    see("Orders", "A-7")
    page.locator("#graph [data-node=Total]").click()
    see("Total", "2")
    page.get_by_text("Retry from here").click()
    field = page.get_by_label("Its input, a list of JSON objects")
    field.fill('[{"order": "B-8"}]')
    page.get_by_role("spinbutton", name="Round").fill("1")
    page.get_by_role("spinbutton", name="Round").press("Enter")
    see("Total", "0")
    page.get_by_role("button", name="Later").click()
    see("Total", "1")
    output.get_by_role("button", name="JSON").click()
    see("Total", '"round": 1')
    addresses += [page.url]
    for node, said in (("Total", "1"), ("Total", "0"), ("Total", "2"), ("Orders", "A-7"), (first, "")):
        page.go_back()
        see(node, said)
        if said == "2":
            expect(field).to_have_value('[{"order": "B-8"}]')
    assert page.url == addresses[0]
    for node, said in (("Orders", "A-7"), ("Total", "2"), ("Total", "0"), ("Total", "1"), ("Total", '"round": 1')):
        page.go_forward()
        see(node, said)
    assert page.url == addresses[1]


def test_which_output_and_in_which_view_stands_in_the_address_for_each_side(open_tab, stage):
    tab = open_tab(at=f"{keep_rounds(stage, TWO)}?node=Total")
    page: Page = tab.page
    given, gave = (page.get_by_role("region", name=name, exact=True) for name in ("Input", "Output"))

    def see(output: str, view: str, said: str) -> None:
        expect(gave.locator(".choices [aria-pressed=true]")).to_contain_text(output)
        expect(gave.locator(".views [aria-pressed=true]")).to_have_text(view)
        expect(gave).to_contain_text(said)
        expect(given.locator(".views [aria-pressed=true]")).to_have_text("Table")

    gave.get_by_role("button", name="JSON").click()
    see("Output 1", "JSON", '"first": 2')
    gave.get_by_role("button", name="Output 2").click()
    see("Output 2", "JSON", '"second": 2')
    page.get_by_role("button", name="Earlier").click()
    see("Output 2", "JSON", '"second": 1')
    page.locator("#graph [data-node=Orders]").click()
    expect(gave).to_contain_text('"order": "A-7"')
    for view, said in (("JSON", '"second": 1'), ("JSON", '"second": 2')):
        page.go_back()
        see("Output 2", view, said)
    page.go_back()
    see("Output 1", "JSON", '"first": 2')
    page.go_forward()
    see("Output 2", "JSON", '"second": 2')
    page.route(re.compile(r"/items\?.*output=0"), lambda route: route.abort())
    with page.expect_event("requestfailed"):
        gave.get_by_role("button", name="Output 1").click()
    expect(page).to_have_url(re.compile("output=1"))
    expect(page.get_by_text("The server cannot be reached")).to_be_visible()
    tab.trouble.clear()
    page.reload()
    see("Output 2", "JSON", '"second": 2')


def test_the_newest_of_several_choices_is_what_is_shown(open_tab, stage):
    page: Page = open_tab(at=keep_rounds(stage)).page
    expect(page.locator("#node-name")).to_be_visible()
    held: list[Route] = []
    page.route(re.compile(r"/node\?node=Orders"), lambda route: held.append(route))
    page.locator("#graph [data-node=Orders]").click()
    page.locator("#graph [data-node=Total]").click()
    expect(page.locator("#node-name")).to_have_text("Total")
    held[0].continue_()
    page.get_by_role("spinbutton", name="Round").fill("1")
    page.get_by_role("spinbutton", name="Round").press("Enter")
    expect(page.locator("#output-items")).to_contain_text("0")
    expect(page.locator("#node-name")).to_have_text("Total")


def test_a_step_that_comes_before_the_scripts_is_followed(open_tab):
    page: Page = open_tab().page
    row, search = page.locator(".row"), page.get_by_role("searchbox")
    shown = row.count()
    search.fill("No stock yet")
    expect(row).to_have_count(1)
    page.route(re.compile(r"/console.*[.]js"), lambda route: None)
    page.evaluate("void setTimeout(() => history.back())")
    expect(page.locator("body")).to_have_attribute("data-made-for", "")
    expect(row).to_have_count(shown)
    page.evaluate("void setTimeout(() => history.forward())")
    expect(page).to_have_url(re.compile("search=No(%20|[+])stock"))
    page.unroute_all()
    expect(row).to_have_count(1)
    expect(search).to_have_value("No stock yet")


def test_a_search_is_one_step_and_each_list_keeps_its_place(open_tab, stage):
    with connect(stage.database_url) as connection:
        connection.execute(COPY, [80, stage.succeeded])
    page: Page = open_tab().page
    expect(page.locator(".row")).to_have_count(50)
    search, row = page.get_by_role("searchbox"), page.locator(".row")
    for text in ("No stock", "No stock yet"):  # with a pause, in which the list follows
        search.fill(text)
        expect(page).to_have_url(re.compile(f"search={text.replace(' ', '(%20|[+])')}$"))
    expect(row).to_have_count(1)
    body = page.locator("body")
    page.evaluate("void setTimeout(() => history.back())")
    expect(row).to_have_count(50)  # it has been loaded anew
    page.evaluate("void setTimeout(() => history.forward())")
    expect(body).to_have_attribute("data-made-for", re.compile("search=No"))
    expect(row).to_have_count(1)
    expect(search).to_have_value("No stock yet")
    search.fill("")
    expect(row).to_have_count(50)
    page.locator("#filters [value=success]").check()
    expect(page.locator("#newer")).to_have_attribute("data-state", "status=success")
    page.evaluate(SCROLL_TO, 30)
    page.evaluate("void setTimeout(() => history.back())")
    expect(page.locator("#filters [value=success]")).not_to_be_checked()
    expect(row.first).to_be_in_viewport()
    page.evaluate("void setTimeout(() => history.forward())")
    expect(body).to_have_attribute("data-made-for", re.compile("status=success"))
    expect(row.nth(30)).to_be_in_viewport()


def test_without_javascript_no_button_is_shown_that_does_nothing(open_tab, stage):
    page: Page = open_tab(at=f"{keep_rounds(stage, TWO)}?node=Total", java_script_enabled=False).page
    gave = page.get_by_role("region", name="Output", exact=True)
    gave.get_by_role("link", name="Output 2").click()
    gave.get_by_role("link", name="JSON").click()
    expect(gave.get_by_text('"second": 2')).to_be_visible()
    assert page.get_by_role("button").all_inner_texts() == ["Sign out"]
    assert page.locator("main").get_by_role("searchbox").all() == []
