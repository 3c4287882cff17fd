"""What the console's pages offer, done with the keyboard alone: from signing in to deleting everything."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from app.repository.connection import connect
from tests.console.browsing import RUNNING, SIGN_IN, find_problem, needs_chromium
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.slow, needs_chromium]
NOTE_DISABLED = """addEventListener("pagehide", () =>
  (sessionStorage.left = document.querySelector("button[data-open]:disabled")?.textContent))"""
ASK_AT_ONCE = """() => {
  const later = setTimeout;
  window.setTimeout = (what, ms) => later(what, ms === 1000 ? 0 : ms);
}"""
"""For how far a job is, a dialog asks each second."""


def test_one_signs_in_with_a_key_and_mends_a_problem_as_a_whole(open_tab, stage):
    problem = find_problem(stage)
    tab = open_tab(at=SIGN_IN)  # other pages ask for what is new, which a session is needed for
    page: Page = tab.page
    tab.context.clear_cookies()
    page.goto(f"/console/problems/{problem}")
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(stage.server.key)
    page.keyboard.press("Enter")
    page.wait_for_url(f"/console/problems/{problem}")  # with its scripts: before, its buttons do nothing
    for action, state in (("Mark as handled", "Handled"), ("Mute", "Muted"), ("Open again", "Open")):
        page.get_by_role("button", name=action).press("Enter")
        expect(page.locator("#state")).to_have_text(state)
        expect(page.locator("#state")).to_be_focused()  # not the button that is next by now
    page.get_by_role("button", name="Retry all").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("All failures of this problem are meant")
    dialog.get_by_role("button", name="Retry", exact=True).press("Enter")
    page.locator(".toast", has_text="1 retried").press("Enter")
    page.wait_for_url(re.compile(r"/executions/\d+$"))
    expect(page.locator(".head .pill")).to_have_text(re.compile("Failed|Succeeded"))  # it does once time has passed


def test_an_execution_is_voted_on_compared_run_again_and_deleted(open_tab, stage):
    own = f"/console/executions/{stage.failed}"
    page: Page = open_tab(at=own).page

    def choose(role: str, name: str) -> None:
        page.locator("summary", has_text="More").press("Enter")
        page.get_by_role(role, name=name, exact=True).press("Enter")

    for action, vote in (("Vote down", "Down"), ("Vote up", "Up")):
        choose("button", action)
        expect(page.locator(".facts")).to_contain_text(re.compile(rf"Vote\s*{vote}"))
        page.goto(own)
    choose("link", "Compare with the last success")
    page.wait_for_url(re.compile("/compare"))
    page.goto(own)
    choose("link", "How the workflow has changed since")
    page.wait_for_url(re.compile("/changes"))
    page.goto(own)
    page.evaluate(NOTE_DISABLED)
    choose("button", "Run it again from the start")
    page.wait_for_url(re.compile(rf"/console/executions/(?!{stage.failed}$)\d+$"))
    assert page.evaluate("sessionStorage.left") == "Run it again from the start"  # not to be pressed a second time
    expect(page.locator(".attempts")).to_contain_text(f"#{stage.failed}")
    page.goto(own)
    page.once("dialog", lambda asked: asked.accept())
    choose("button", "Delete")
    page.wait_for_url(re.compile("/console/executions$"))
    expect(page.locator(f"#e-{stage.failed}")).to_have_count(0)


def test_many_are_stopped_and_deleted(open_tab, stage):
    with connect(stage.database_url) as connection:
        for _ in range(2):
            connection.execute(RUNNING, [stage.succeeded])
    tab = open_tab()
    page: Page = tab.page
    expect(page.locator(".row")).to_have_count(4)
    dialog = page.get_by_role("dialog")
    page.locator("#pick-all").press("Space")
    page.keyboard.press("s")
    expect(dialog).to_contain_text("2 of the 4 selected are meant")
    dialog.get_by_role("button", name="Stop", exact=True).press("Enter")
    stopped = page.locator(".toast", has_text="2 stopped").get_attribute("href")
    other = page.context.new_page()
    other.goto(str(stopped))
    expect(other.get_by_label("Touched together")).to_be_checked()
    expect(other.locator(".row")).to_have_count(2)
    other.close()
    expect(page.locator(".row.s-canceled, .row .s-canceled")).not_to_have_count(0)
    asked: list[str] = []

    def answer(route: Route) -> None:
        """Delete as in the background, and be away for the first two questions how far that is."""
        asked.append(route.request.method)
        if route.request.method == "POST":
            route.fulfill(response=route.fetch(timeout=PATIENCE_SECONDS * 1000), json={"success": True, "job": "1"})
        elif len(asked) == 2:
            route.abort()
        elif len(asked) == 3:
            route.fulfill(status=503, json={"message": "away"})
        else:
            route.fulfill(json={"deleted": 4, "finished": True})

    page.route(re.compile("/executions/delete"), answer)
    page.evaluate(ASK_AT_ONCE)
    page.locator("[data-bulk=delete]").press("Enter")
    dialog.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.locator(".toast", has_text="Deleted")).to_be_visible()
    assert asked == ["POST", "GET", "GET", "GET"]  # it follows the job past that
    expect(page.locator(".row.gone")).to_have_count(4)  # they stay where they are, and say that they are gone
    tab.trouble = [said for said in tab.trouble if "Failed to load resource" not in said]
