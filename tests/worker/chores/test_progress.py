"""What a worker tells of runs with odd data: others are told of all the same, and what is told can be read again."""

import orjson

from app.engine.run.progress import RunProgress
from app.repository import execution_progress
from app.worker.chores.progress import encode_changes


def known(name: str, run: dict) -> RunProgress:
    progress = RunProgress()
    progress.follow({name: [run]})
    progress.begin(name)
    return progress


def test_one_that_cannot_be_told_keeps_back_no_other(connection, caplog) -> None:
    names = {1: "A", 2: "half \ud800", 3: "no \x00 text, nor \\u0000", 6: "late"}
    told = {key: known(name, {"executionStatus": "success"}) for key, name in names.items()}
    told[4] = known("huge", {"startTime": 10**30})
    told[5] = known("odd", {"data": {"main": 7}})
    untold: set[int] = set()
    texts = dict(encode_changes(told, untold))
    assert dict(encode_changes(told, untold)) == {}, "nor is it half told the next time"
    assert [record.execution for record in caplog.records] == [5]
    execution_progress.save(connection, texts, [])
    read = {key: orjson.loads(said.progress) for key, said in execution_progress.read(connection, list(told)).items()}
    names |= {2: "half \ufffd", 4: "huge"}
    assert {key: said["nodes"][0]["node"] for key, said in read.items()} == names
    assert {key: said["current"] for key, said in read.items()} == names
