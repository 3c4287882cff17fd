"""When each node of an execution ran, as bars beside each other. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.repository.executions import Execution

MAX_ROWS = 300
WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """A run of a node: where its bar begins and how wide it is, of WIDTH; `seconds` that it took."""

    node: str
    run: int
    runs: int
    status: str
    x: float
    width: float
    seconds: float
    sub_execution: str | None


def timeline(structure: Mapping[str, Any], execution: Execution) -> list[Bar]:
    """The runs in the order in which they began, the first MAX_ROWS of them."""
    runs = [
        (run, node["name"], number, node["runCount"])
        for node in structure["nodes"]
        for number, run in enumerate(node["runs"])
        if run["startTime"] is not None
    ]
    runs.sort(key=lambda entry: (entry[0]["startTime"], entry[0]["executionIndex"] or 0))
    if not runs:
        return []
    begin = runs[0][0]["startTime"]
    if execution.started_at is not None:
        begin = min(begin, execution.started_at.timestamp() * 1000)
    end = max(run["startTime"] + (run["executionTime"] or 0) for run, *_ in runs)
    scale = WIDTH / max(end - begin, 1)
    return [bar(*entry, begin=begin, scale=scale) for entry in runs[:MAX_ROWS]]


def bar(run: Mapping[str, Any], name: str, number: int, count: int, *, begin: float, scale: float) -> Bar:
    """The bar of a run; `begin` is where the timeline begins (milliseconds since 1970), `scale` its units for one."""
    took = run["executionTime"] or 0
    started = run["subExecution"] or {}
    status = "error" if run["error"] else run["executionStatus"] or "success"
    x = min((run["startTime"] - begin) * scale, WIDTH - 4)
    width = min(max(took * scale, 4), WIDTH - x)
    return Bar(name, number, count, status, round(x, 1), round(width, 1), took / 1000, started.get("executionId"))
