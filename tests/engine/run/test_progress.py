"""How far a run is, as its document grows."""

import time

import pytest

from app.engine.run.progress import RunProgress
from app.repository.execution_progress import changed_since


def run(*outputs: int, status: str = "success") -> dict:
    return {"executionStatus": status, "data": {"main": [[{}] * number for number in outputs]}}


def test_it_counts_what_was_added_since():
    progress, runs = RunProgress(), {}
    progress.follow(runs, 7)
    assert progress.changes() is None
    progress.current = "Start"
    assert progress.changes() == {"current": "Start", "version": "7.0", "nodes": []}
    runs["Start"] = [run(3)]
    runs["If"] = [run(1, 2)]
    progress.current = "Loop"
    start = {"node": "Start", "runs": 1, "items": [3], "status": "success", "changed": 2}
    branch = {"node": "If", "runs": 1, "items": [1, 2], "status": "success", "changed": 2}
    assert progress.changes() == {"current": "Loop", "version": "7.2", "nodes": [start, branch]}
    assert progress.changes() is None
    runs["Start"] += [run(0, 4), {"executionStatus": "error"}]
    changed = {"node": "Start", "runs": 3, "items": [3, 4], "status": "error", "changed": 4}
    assert progress.changes() == {"current": "Loop", "version": "7.4", "nodes": [branch, changed]}
    progress.tries = [{"error": "No"}]
    assert progress.changes()["tries"] == [{"error": "No"}]
    progress.tries = [{"error": "No, again"}]
    assert progress.changes()["tries"] == [{"error": "No, again"}]
    assert progress.changes() is None
    progress.begin("Next")
    told = progress.changes()
    assert "tries" not in told
    assert time.time() * 1000 - 60_000 < told["currentSince"] <= time.time() * 1000
    runs["Next"] = [{"startTime": 5, "executionTime": 7}]
    [*_, last] = progress.changes()["nodes"]
    assert (last["startTime"], last["executionTime"]) == (5, 7)


@pytest.mark.parametrize(
    ("version", "changed"),
    [
        ("7.0", ["A", "B"]),
        ("7.2", ["B"]),
        ("7.4", []),
        ("7.5", None),
        ("6.2", None),
        ("", None),
        ("7", None),
        ("7.x", None),
    ],
)
def test_what_has_changed_since_is_told_within_a_part_of_a_run(version, changed):
    document = {"version": "7.4", "nodes": [{"node": "A", "changed": 2}, {"node": "B", "changed": 4}]}
    found = changed_since(document, version)
    assert (None if found is None else [node["node"] for node in found]) == changed
    assert changed_since({"nodes": []}, "0.0") is None
