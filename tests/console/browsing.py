"""A browser's pages that are signed in, and what axe says of them."""

import shutil
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from app.console_links import new_link
from app.repository.connection import connect
from app.repository.failure_groups import group_some
from tests import live
from tests.patience import PATIENCE_SECONDS, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: `apt install chromium` brings one")
SIGN_IN = "/console/sign-in"
"""A page that asks the server for nothing more."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COPY = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, stopped_at)
    SELECT e.workflow_id, e.workflow_version_id, e.project_id, 'success', 'manual', now(), now()
      FROM executions AS e, generate_series(1, %s)
     WHERE e.id = %s
"""
KEEP = """
    UPDATE execution_data AS d
       SET data = NULL, encoding = %(encoding)s, encoded = %(encoded)s, run_index = %(run_index)s
     WHERE d.execution_id = %(id)s
"""
NOTE_LOOK = """place => {
  window.looks = {};
  const look = () => getComputedStyle(document.querySelector(place)).opacity;
  document.addEventListener("htmx:beforeSend", ({target}) => (looks[target.dataset.bulk ?? target.id] = look()));
}"""
"""Notes how opaque a part of the page is as each request is sent, by the id or the action of what asks."""
RUN_AXE = """async (rules) => {
  const at = scrollY;
  scrollTo({ top: 0, behavior: "instant" });
  const found = await axe.run({ runOnly: rules, resultTypes: ["violations"] });
  scrollTo({ top: at, behavior: "instant" });
  return found;
}"""
RUNNING = """
    INSERT INTO executions (workflow_id, workflow_version_id, project_id, status, mode, started_at, worker_id)
    SELECT e.workflow_id, e.workflow_version_id, e.project_id, 'running', 'manual', now(),
           (SELECT max(w.id) FROM workers AS w)
      FROM executions AS e
     WHERE e.id = %s
    RETURNING id
"""


@dataclass(frozen=True)
class Stage:
    """A server with a worker, the address of their database, and what the demo has left in the key's project."""

    server: live.LiveServer
    database_url: str
    workflow: str
    succeeded: int
    failed: int


class Tab:
    """A page that is signed in, and what went wrong in it."""

    def __init__(
        self, browser: Browser, stage: Stage, key: str | None = None, *, at: str = "", **options: object
    ) -> None:
        """`at`: the page that the link leads to; the list of executions where none is named."""
        server = stage.server
        # What turns and pulses while an execution runs is drawn sixty times a second, and no test looks at it.
        options = {"reduced_motion": "reduce", **options}
        self.context = browser.new_context(base_url=server.url, **options)  # type: ignore[arg-type]
        self.context.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("console", lambda said: self.trouble.append(said.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda asked: self._check(asked.url, server.url))
        with connect(stage.database_url) as connection:
            link = new_link(connection, "", key or server.key)
        self.page.goto(f"{link}&next={quote(at, safe='')}")

    def _check(self, asked: str, own: str) -> None:
        if not asked.startswith(own):
            self.trouble.append(f"asked {asked}")


def find_problem(stage: Stage) -> str:
    """The id of what the demo's failure has become, which workers see to every few seconds only."""

    def look() -> list[dict[str, str]]:
        with connect(stage.database_url) as connection:
            group_some(connection)
        return stage.server.get("/api/v1/problems").body["data"]

    return wait_until(look)[0]["id"]


def show(page: Page, *, hidden: bool) -> None:
    """Let a page believe that its tab is hidden, or shown again."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def violations(page: Page, only: str | None = None) -> list[str]:
    """What axe finds on the page as it is, by all of RULES or by one rule.

    It looks from the top: a button that is scrolled half behind the bar there is not too small for that.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN_AXE, [only] if only else RULES)
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
