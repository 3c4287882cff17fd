"""How far a run is, as its document grows."""

from app.engine.run.progress import RunProgress


def run(*outputs: int, status: str = "success") -> dict:
    return {"executionStatus": status, "data": {"main": [[{}] * number for number in outputs]}}


def test_it_counts_what_was_added_since():
    progress, runs = RunProgress(), {}
    progress.follow(runs)
    assert progress.changes() is None
    progress.current = "Start"
    assert progress.changes() == {"current": "Start", "nodes": []}
    runs["Start"] = [run(3)]
    runs["If"] = [run(1, 2)]
    progress.current = "Loop"
    start = {"node": "Start", "runs": 1, "items": [3], "status": "success"}
    branch = {"node": "If", "runs": 1, "items": [1, 2], "status": "success"}
    assert progress.changes() == {"current": "Loop", "nodes": [start, branch]}
    assert progress.changes() is None
    runs["Start"] += [run(0, 4), {"executionStatus": "error"}]
    changed = {"node": "Start", "runs": 3, "items": [3, 4], "status": "error"}
    assert progress.changes() == {"current": "Loop", "nodes": [branch, changed]}
