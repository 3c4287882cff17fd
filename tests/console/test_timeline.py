"""The timeline: which runs it shows, and where their bars stand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.console.timeline import MAX_LIVE_ROWS, MAX_ROWS, WIDTH, timeline
from tests.console.test_rows import FAILED

AT = datetime(2026, 1, 1, tzinfo=UTC)
BEGAN = int(AT.timestamp() * 1000)
RAN = replace(FAILED, retry_of=None, started_at=AT)


def run(started, took=10, status="success", error=None, tries=()):
    more = {"executionIndex": started, "error": error, "subExecutions": [], "executionStatus": status, "tries": tries}
    return {"startTime": BEGAN + started, "executionTime": took, **more}


def structure(**runs):
    nodes = [{"name": name, "runCount": len(each), "runs": each} for name, each in runs.items()]
    return {"nodes": nodes, "lastNodeExecuted": next(reversed(runs))}


def test_of_many_runs_the_last_are_shown_and_counted():
    shown = timeline(structure(Loop=[run(n) for n in range(MAX_ROWS + 7)], Last=[run(9_999)]), RAN, AT)
    assert (len(shown.bars), shown.count) == (MAX_ROWS, MAX_ROWS + 8)
    assert (shown.bars[0].run, shown.bars[-1].node) == (8, "Last")


def test_the_last_run_is_there_where_a_structure_shows_the_first_ones_only():
    cut = structure(Loop=[run(0)])
    cut["nodes"][0] |= {"runCount": 20_000, "lastRun": run(500, error={"message": "It broke"})}
    shown = timeline(cut, RAN, AT)
    assert [(bar.run, bar.status) for bar in shown.bars] == [(0, "success"), (19_999, "error")]
    assert shown.count == 20_000


def test_a_retry_leaves_the_room_to_its_own_runs():
    retry = replace(RAN, retry_of=3)
    taken_over, own = timeline(structure(Start=[run(-7_200_000)], Work=[run(0, took=1_000)]), retry, AT).bars
    assert taken_over.x == 0
    assert own.width == WIDTH
    before, after = timeline(structure(Start=[run(-7_200_000)], Work=[run(0, took=1_000)]), RAN, AT).bars
    assert after.x > WIDTH / 2 > before.x, "what waited for hours in between is drawn as it was"


def test_what_waits_goes_on_until_now():
    waiting = replace(RAN, status="waiting")
    _, bar = timeline(structure(Start=[run(0)], Wait=[run(10, took=0)]), waiting, AT + timedelta(minutes=5)).bars
    assert (bar.status, bar.seconds) == ("waiting", 299.99)
    assert bar.width > WIDTH * 0.9


def test_the_tries_of_a_node_stand_within_its_run_with_the_waits_between_them():
    tries = [
        {"startTime": BEGAN + 500 + at, "executionTime": took, "error": error}
        for at, took, error in ((0, 100, "No"), (300, 0, "No"), (400, 100, None))
    ]
    _, bar = timeline(structure(Start=[run(0)], Call=[run(500, took=500, tries=tries)]), RAN, AT).bars
    assert (bar.x, bar.width) == (WIDTH / 2, WIDTH / 2)
    first, second, third = bar.tries
    assert ((first.x, first.width), (third.x, third.width)) == ((500, 100), (900, 100))
    assert (second.x, second.width > 1) == (800, True), "one that took no time is still seen"
    assert [each.has_failed for each in bar.tries] == [True, True, False]
    quick = run(0, took=0, tries=[{**each, "startTime": BEGAN, "executionTime": 0} for each in tries])
    (bar,) = timeline(structure(Call=[quick]), RAN, AT).bars
    assert all(bar.x <= each.x < each.x + each.width <= bar.x + bar.width for each in bar.tries)


def test_tries_from_before_a_wait_begin_where_they_began():
    tries = [
        {"startTime": BEGAN + at, "executionTime": took, "error": error}
        for at, took, error in ((0, 100, "No"), (200, 100, "No"), (400, 600, None))
    ]
    so_far = structure(Call=[run(990, took=10, tries=tries)])
    (bar,) = timeline(so_far, RAN, AT).bars
    assert [(each.x, each.width) for each in bar.tries] == [(0, 100), (200, 100), (400, 600)]
    told = {"current": "Call", "currentSince": BEGAN + 990, "tries": tries[:2]}
    *_, bar = timeline(structure(Start=[run(0)]), RAN, AT + timedelta(seconds=1), told).bars
    assert [(each.x, each.width) for each in bar.tries] == [(0, 100), (200, 100)]


def test_what_runs_shows_the_last_run_of_each_node_and_what_goes_on():
    so_far = structure(Start=[run(0)], Loop=[run(500)])
    so_far["nodes"][1]["runCount"] = 40
    told = {
        "current": "Call",
        "currentSince": BEGAN + 1_000,
        "tries": [{"startTime": BEGAN + 1_000, "executionTime": 9}],
    }
    told["tries"][0]["error"] = "Busy"
    shown = timeline(so_far, replace(RAN, status="running"), AT + timedelta(seconds=3), told)
    assert [(bar.node, bar.run, bar.runs) for bar in shown.bars] == [("Start", 0, 1), ("Loop", 39, 40), ("Call", 0, 1)]
    assert ([bar.status for bar in shown.bars], shown.count) == (["success", "success", "running"], 42)
    assert (shown.bars[2].seconds, len(shown.bars[2].tries)) == (2, 1)
    many = structure(**{f"N{n}": [run(n)] for n in range(MAX_LIVE_ROWS)})
    assert len(timeline(many, RAN, AT, told).bars) == MAX_LIVE_ROWS
