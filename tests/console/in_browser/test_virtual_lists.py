"""A list of which few rows are in the page: one that is taller than browsers draw, and one whose rows are wide."""

import pytest

from app.console.assets import assets
from tests.console.browsing import needs_chromium
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.slow, needs_chromium]

TALL = """async ([address, steps, patience]) => {
  const { VirtualList } = await import(address);
  performance.now = () => 0; // however late a frame comes at load, it follows a turn of the wheel at once
  const scroller = document.createElement("div");
  scroller.style = "position: fixed; inset: 0 auto auto 0; width: 300px; height: 400px; overflow: auto";
  scroller.style.overflowAnchor = "none";
  const canvas = scroller.appendChild(document.createElement("div"));
  canvas.style.position = "relative";
  document.body.append(scroller);
  const draw = (index) => {
    const row = document.createElement("p");
    row.style = `position: absolute; top: 0; margin: 0; height: ${index < 999999 ? 40 : 240}px`;
    row.textContent = index;
    return row;
  };
  let [stands, arrive] = [0, () => null];
  const see = (first, last, top) => arrive((stands = top));
  const list = new VirtualList({ scroller, canvas, count: 1000000, height: 40, draw, see });
  list.layout();
  for (const [kind, to, row] of steps) {
    const arrived = new Promise((done, fail) => {
      arrive = (top) => top === row && setTimeout(done); // once this frame is done, as a hand would
      setTimeout(() => fail(new Error(`${kind} ${to}: stands at ${stands}, not at ${row}`)), patience);
    });
    scroller.dispatchEvent(new Event(kind));
    if (kind === "wheel" || to === "on") scroller.scrollBy(0, to === "on" ? 20000 : to);
    else if (kind === "jump") list.goTo(to);
    else scroller.scrollTop = to * (scroller.scrollHeight - scroller.clientHeight);
    await arrived;
  }
}"""
DRAG, TURN, JUMP = "pointerdown", "wheel", "jump"


def test_a_list_that_is_taller_than_browsers_draw_scrolls_to_each_of_its_rows(open_tab):
    steps: list[tuple[str, float | str, int]] = [
        (DRAG, 0.5, 499_995),
        (DRAG, 0.25, 249_997),
        (DRAG, 1, 999_995),  # where the last row is higher than was thought
        (DRAG, 0, 0),
    ]
    steps += [(TURN, 2_000, row) for row in (50, 100, 150)] + [(TURN, -2_000, row) for row in (100, 50, 0)]
    steps += [(DRAG, 1, 999_995)]
    steps += [(TURN, -2_000, row) for row in (999_945, 999_895)] + [(TURN, 2_000, row) for row in (999_945, 999_995)]
    steps += [(JUMP, 150_000, 150_000), (DRAG, "on", 152_500)]  # the bar stands where one has got to
    address = f"/console/static/{assets().address('virtual.js')}"
    open_tab().page.evaluate(TALL, [address, steps, PATIENCE_SECONDS * 1000])


WIDE = """async (address) => {
  const { VirtualList } = await import(address);
  const scroller = document.createElement("div");
  scroller.style = "position: fixed; inset: 0 auto auto 0; width: 300px; height: 400px; overflow: auto";
  const canvas = scroller.appendChild(document.createElement("div"));
  canvas.style.position = "relative";
  document.body.append(scroller);
  let [cells, version] = [0, 1];
  const draw = (index) => {
    const row = document.createElement("div");
    row.style = "position: absolute; top: 0; height: 100px";
    row.append(...Array.from({ length: 40 }, () => document.createElement("i")));
    row.dataset.drawn = version;
    cells += 40;
    return row;
  };
  const rows = () => [...canvas.children].map(({ dataset }) => Number(dataset.index));
  const whole = async () => {
    const isDrawn = ({ dataset }) => dataset.drawn === String(version);
    while (canvas.children.length < 9 || ![...canvas.children].every(isDrawn)) await new Promise(requestAnimationFrame);
    return rows();
  };
  const list = new VirtualList({ scroller, canvas, count: 3000, height: 34, draw, see: () => null });
  list.layout();
  const begun = [cells, await whole()];
  list.focus(2);
  [cells, version] = [0, 2];
  list.redraw();
  return [...begun, cells, document.activeElement.dataset, await whole()];
}"""


def test_of_wide_rows_no_more_are_drawn_at_once_than_are_in_sight_and_the_others_follow(open_tab):
    """Such rows turn out three times as high as they were thought to be."""
    address = f"/console/static/{assets().address('virtual.js')}"
    first, rows, again, focused, redrawn = open_tab().page.evaluate(WIDE, address)
    assert (first, again) == (6 * 40, 6 * 40)
    assert rows == redrawn == list(range(9))
    assert (focused["index"], focused["drawn"]) == ("2", "2")
