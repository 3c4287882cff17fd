"""When each node of an execution ran, as bars beside each other. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.repository.executions import Execution

MAX_ROWS = 300
MAX_LIVE_ROWS = 60
"""Rows of an execution that runs: all of them are sent anew each second."""
WIDTH = 1000
NARROWEST = 15
SKEW_MS = 1_000
"""How far the clock of a worker may be behind that of the database before its runs are taken for older ones."""


@dataclass(frozen=True, slots=True)
class TryBar:
    """A try of a node: where it begins and how wide it is, within the bar of the run."""

    x: float
    width: float
    has_failed: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A run of a node: where its bar begins and how wide it is, of WIDTH; `seconds` that it took.

    `tries` where there were several: what lies between them is the wait for the next one.
    """

    node: str
    run: int
    runs: int
    status: str
    x: float
    width: float
    seconds: float
    sub_executions: list[str]
    tries: list[TryBar]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars in the order in which the runs began; `count` says of how many runs they are the last."""

    bars: list[Bar]
    count: int


def timeline(
    structure: Mapping[str, Any], execution: Execution, now: datetime, told: Mapping[str, Any] | None = None
) -> Timeline:
    """The last MAX_ROWS runs; of an execution that waits, its last one goes on until `now`, and of one that runs that
    of the node of which it has `told` that it is at it.

    What a retry has taken over ran long before it: its bars stand at the beginning, and leave the room to its own.
    """
    runs = sorted(timed_runs(structure), key=lambda each: (each.started, each.run["executionIndex"] or 0))
    count = sum(node["runCount"] for node in structure["nodes"])
    if told is not None and (current := current_run(structure, told, now)) is not None:
        runs.append(current)
        count += 1
    if not runs:
        return Timeline([], count)
    own = runs
    begin: float = runs[0].started
    if execution.started_at is not None:
        since = execution.started_at.timestamp() * 1000
        if execution.retry_of is not None:
            own = [each for each in runs if each.started >= since - SKEW_MS] or runs
        begin = min(own[0].started, since)
    if execution.status == "waiting":
        waits = max(runs, key=lambda each: (each.node == structure["lastNodeExecuted"], each.started))
        waits.run = {**waits.run, "executionStatus": "waiting"}
        waits.milliseconds = max(waits.milliseconds, int(now.timestamp() * 1000) - waits.started)
    end = max(each.started + each.milliseconds for each in own)
    scale = WIDTH / max(end - begin, 1)
    most = MAX_ROWS if told is None else MAX_LIVE_ROWS
    return Timeline([draw_bar(each, begin, scale) for each in runs[-most:]], count)


@dataclass(slots=True)
class TimedRun:
    """A run of a node, by its number of `count`: when it started (milliseconds since 1970), and how many it took."""

    node: str
    number: int
    count: int
    run: Mapping[str, Any]
    started: int
    milliseconds: int


def timed_runs(structure: Mapping[str, Any]) -> Iterator[TimedRun]:
    """Those that are known and tell when they started."""
    for node in structure["nodes"]:
        first = 0 if "lastRun" in node else node["runCount"] - len(node["runs"])  # of one that runs the last is known
        numbered = list(enumerate(node["runs"], first))
        if "lastRun" in node:
            numbered.append((node["runCount"] - 1, node["lastRun"]))
        for number, run in numbered:
            if run["startTime"] is not None:
                end = run["startTime"] + (run["executionTime"] or 0)
                yield time_run(node["name"], number, node["runCount"], run, run["startTime"], end)


def current_run(structure: Mapping[str, Any], told: Mapping[str, Any], now: datetime) -> TimedRun | None:
    """What goes on just now; None where it is not known since when."""
    name, since = told["current"], told.get("currentSince")
    if name is None or since is None:
        return None
    ran = next((node["runCount"] for node in structure["nodes"] if node["name"] == name), 0)
    run = {"error": None, "executionStatus": "running", "subExecutions": [], "tries": told.get("tries", ())}
    return time_run(name, ran, ran + 1, run, since, int(now.timestamp() * 1000))


def time_run(node: str, number: int, count: int, run: Mapping[str, Any], since: int, end: int) -> TimedRun:
    """A run by when it started and ended; after a wait for a sub-workflow, what was tried before it belongs to it."""
    started = min([since, *(each["startTime"] for each in run["tries"][:1])])
    return TimedRun(node, number, count, run, started, max(end - started, 0))


def draw_bar(timed: TimedRun, begin: float, scale: float) -> Bar:
    """The bar of a run; `begin` is where the timeline begins (milliseconds since 1970), `scale` its units for one."""
    run = timed.run
    status = "error" if run["error"] else run["executionStatus"] or "success"
    x = max(min((timed.started - begin) * scale, WIDTH - NARROWEST), 0)
    width = min(max(timed.milliseconds * scale, NARROWEST), WIDTH - x)
    x, width = round(x, 1), round(width, 1)
    tries, seconds = list(draw_tries(timed, x, width)), timed.milliseconds / 1000
    return Bar(timed.node, timed.number, timed.count, status, x, width, seconds, run["subExecutions"], tries)


def draw_tries(timed: TimedRun, x: float, width: float) -> Iterator[TryBar]:
    """The tries of a run, whose bar has this place."""
    tries = timed.run["tries"]
    if not tries:
        return
    last = tries[-1]
    scale = width / max(timed.milliseconds, last["startTime"] + last["executionTime"] - timed.started, 1)
    narrowest = width / (2 * len(tries))
    for each in tries:
        begin = min(max((each["startTime"] - timed.started) * scale, 0), width - narrowest)
        wide = min(max(each["executionTime"] * scale, narrowest / 3), width - begin)
        yield TryBar(round(x + begin, 1), round(wide, 1), each["error"] is not None)
