"""What every page of the console must be for everybody: axe finds nothing, and a phone is wide enough."""

import pytest
from playwright.sync_api import Page, expect

from app.repository.connection import connect
from tests import live
from tests.console.browsing import RUNNING, SIGN_IN, find_problem, needs_chromium, violations

pytestmark = [pytest.mark.slow, needs_chromium]
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
NARROW = {"width": 360, "height": 740}
ADD_LINKS = """document.querySelectorAll(".advice, .node-head .hint").forEach(
  place => place.insertAdjacentHTML("beforeend", ' started <a href="#7">#7</a>'));
  document.querySelector(".times li").insertAdjacentHTML(
    "beforeend", '<span class="sub">started <a href="#7">#7</a></span>')"""

WORKS_WITH_SCRIPTS_ONLY = """() => {
  document.querySelectorAll("details").forEach(each => each.open = true);
  const all = place => [...document.querySelectorAll(place)].filter(each => each.checkVisibility());
  const dead = [
    ...all("input, select, textarea").filter(each => each.form?.getAttribute("method") !== "get"),
    ...all("main a[href^='#']").filter(each => !document.querySelector(each.getAttribute("href"))?.checkVisibility()),
    ...all("main :not(:has(*))").filter(each => /^(Loading|…$)/.test(each.textContent)),
    ...all(".popover").filter(each => !each.innerText.trim()),
  ];
  const buttons = all("button, [role=button]").map(each => each.innerText);
  return { buttons, dead: dead.map(each => each.outerHTML.slice(0, 200)) };
}"""
"""What is shown with all menus open: the buttons, and whatever else does nothing without a script."""


def test_without_javascript_no_page_shows_what_does_nothing(open_tab, stage):
    problem = find_problem(stage)
    with connect(stage.database_url) as connection:
        running = connection.execute(RUNNING, [stage.succeeded]).fetchone()[0]
    page: Page = open_tab(live.KEY, at=SIGN_IN, java_script_enabled=False).page
    shown: set[str] = set()
    for path in (*PAGES, f"executions/{running}", "executions/{failed}?node=Reserve+stock"):
        page.goto(f"/console/{path.format(**vars(stage), problem=problem)}", wait_until="domcontentloaded")
        seen = page.evaluate(WORKS_WITH_SCRIPTS_ONLY)
        assert (path, seen["dead"]) == (path, [])
        shown |= set(seen["buttons"])
    assert shown == {"Sign out", "Apply", "Compare"}


def test_every_page_is_fit_for_everybody_and_for_a_phone(open_tab, stage):
    problem = find_problem(stage)
    with connect(stage.database_url) as connection:
        connection.execute(RUNNING, [stage.succeeded])
    page: Page = open_tab(live.KEY, at=SIGN_IN, color_scheme="light").page
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
