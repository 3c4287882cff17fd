"""GET /executions/{id}/data: the structure of a run, and pages of one node's items."""

import gzip
import json
import re

import pytest
import zstandard

from app.api.executions import run_data, run_rendering
from app.repository import execution_data, run_scan
from tests.repository.given import as_before_compression

ITEMS = [{"json": {"n": n}, "pairedItem": {"item": n}} for n in range(7)]
TRIES = [{"startTime": 7, "executionTime": 3, "error": "Busy"}, {"startTime": 12, "executionTime": 4, "error": None}]
ERROR = {"message": "No such host", "name": "NodeApiError", "description": "Look twice", "node": {"name": "Call"}}
DATA = {
    "version": 1,
    "resultData": {
        "runData": {
            "Start": [{"startTime": 5, "executionIndex": 0, "executionTime": 2, "executionStatus": "success",
                       "source": [], "hints": [], "data": {"main": [ITEMS, None, []]}}],
            "Call": [{"startTime": 7, "executionIndex": 1, "executionTime": 9, "executionStatus": "error",
                      "source": [{"previousNode": "Start"}, None], "hints": [{"message": "hm"}], "error": ERROR,
                      "metadata": {"subExecution": {"executionId": "77", "workflowId": "sub"}, "tries": TRIES}}],
            "Both": [{"startTime": 8, "executionIndex": 3, "executionStatus": "success", "data": {"main": [[]]},
                      "source": [{"previousNode": "Call"}, {"previousNode": "Start", "previousNodeOutput": 2}],
                      "inputOverride": {"main": [[{"json": {"n": 70}}], None]},
                      "metadata": {"subExecutionsCount": 2, "subExecutions": ["78", "79"]}}],
            "Model": [{"startTime": 8, "executionIndex": 2, "executionTime": 1, "executionStatus": "success",
                       "source": [{"previousNode": "Call", "previousNodeOutput": 1, "previousNodeRun": 2}],
                       "data": {"ai_languageModel": [[{"json": {"answer": 42}}]]},
                       "inputOverride": {"ai_languageModel": [[{"json": {"asked": True}}]]}}],
        },
        "error": ERROR,
        "lastNodeExecuted": "Call",
    },
    "executionData": {"contextData": {}},
}  # fmt: skip
OTHERS = [{"json": {"n": 70}}]


@pytest.fixture(params=["small", "indexed", "from before"])
def number(request, api, workflow, monkeypatch) -> int:
    if request.param == "indexed":
        monkeypatch.setattr(execution_data, "INDEXED_BYTES", 100)
    number = api.ended(workflow, "error", data=DATA)
    if request.param == "from before":
        as_before_compression(api.db, number)
    assert api.db.execute("SELECT run_index IS NOT NULL FROM execution_data").fetchone()[0] == (
        request.param == "indexed"
    )
    api.db.commit()
    return number


def test_the_structure(api, number: int) -> None:
    body = api.get(f"/executions/{number}/data").json
    failure = {"message": "No such host", "name": "NodeApiError", "description": "Look twice", "node": "Call"}
    assert (body["executionId"], body["status"], body["recorded"]) == (str(number), "error", True)
    assert (body["lastNodeExecuted"], body["error"], body["parentId"]) == ("Call", failure, None)
    assert re.fullmatch(r"[\da-f-]{36}", body["workflowVersionId"])
    assert body["versionSavedAt"].endswith("Z")
    assert body["worker"]["host"] == "test"
    assert [attempt["id"] for attempt in body["attempts"]] == [str(number)]
    start, call, both, model = body["nodes"]
    assert [node["name"] for node in body["nodes"] if node["runCount"] == 1] == ["Start", "Call", "Both", "Model"]
    (run,) = start["runs"]
    assert [output and output["items"] for output in run["outputs"]["main"]] == [7, None, 0]
    assert run["outputs"]["main"][2]["sizeBytes"] == 0
    assert {key: run[key] for key in ("startTime", "executionTime", "executionIndex", "executionStatus")} == {
        "startTime": 5, "executionTime": 2, "executionIndex": 0, "executionStatus": "success"
    }  # fmt: skip
    (run,) = call["runs"]
    assert run["error"] == failure
    assert run["source"] == [{"previousNode": "Start", "previousNodeOutput": 0, "previousNodeRun": 0}, None]
    assert run["subExecution"] == {"executionId": "77", "workflowId": "sub"}
    assert (run["tries"], start["runs"][0]["tries"]) == (TRIES, [])
    assert [each["runs"][0]["subExecutions"] for each in (start, call, both)] == [[], ["77"], ["78", "79"]]
    assert (run["hints"], run["outputs"]) == (1, {})
    assert [given and given["items"] for given in both["runs"][0]["inputs"]["main"]] == [1, None]
    (run,) = model["runs"]
    assert run["outputs"].keys() == run["inputs"].keys() == {"ai_languageModel"}


def test_a_page_of_items(api, number: int) -> None:
    path = f"/executions/{number}/data?node=Start"
    body = api.get(path).json
    assert (body["items"], body["total"], body["nextOffset"]) == (ITEMS, 7, None)
    body = api.get(f"{path}&offset=2&limit=3").json
    assert (body["items"], body["total"], body["offset"], body["nextOffset"]) == (ITEMS[2:5], 7, 2, 5)
    assert api.get(f"{path}&offset=99").json["items"] == []
    for output in (1, 2):
        body = api.get(f"{path}&output={output}").json
        assert (body["items"], body["total"], body["nextOffset"]) == ([], 0, None)
    path = f"/executions/{number}/data?node=Model&type=ai_languageModel"
    assert api.get(path).json["items"] == [{"json": {"answer": 42}}]
    assert api.get(f"{path}&input=true").json["items"] == [{"json": {"asked": True}}]


@pytest.mark.parametrize(
    ("place", "items"),
    [("Call", ITEMS), ("Both", OTHERS), ("Both&output=1", [])],
)
def test_what_a_run_was_given(api, number: int, place: str, items: list) -> None:
    """Where it has not recorded that itself, as retries with other items do, it is what its source gave."""
    assert api.get(f"/executions/{number}/data?node={place}&input=true").json["items"] == items


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_indexed_data_is_also_read_whole(api, workflow, monkeypatch, coding: str) -> None:
    monkeypatch.setattr(execution_data, "INDEXED_BYTES", 1_000)
    monkeypatch.setattr(run_scan, "PIECE_BYTES", 3_000)
    items = [{"json": {"n": n, "text": "é" * (n % 70)}} for n in range(3_000)]
    data = {"resultData": {"runData": {name: [{"data": {"main": [items]}}] for name in ("A", "B")}}}
    number = api.ended(workflow, data=data)
    path = f"/executions/{number}?includeData=true"
    body = decode(api.get(path, headers={"Accept-Encoding": coding}))
    assert body["data"] == data
    page = decode(api.get(f"/executions?{path.partition('?')[2]}", headers={"Accept-Encoding": coding}))
    assert page["data"] == [body]
    rest = decode(api.get(f"/executions/{number}/data?node=B&offset=2990", headers={"Accept-Encoding": coding}))
    assert rest["items"] == items[2_990:]


def decode(answer) -> dict:
    """The JSON of an answer in whatever coding it came."""
    coding = answer.headers.get("Content-Encoding")
    if coding == "gzip":
        return json.loads(gzip.decompress(answer.data))
    if coding == "zstd":
        return json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(answer.data))
    return json.loads(answer.data)


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("node=Nobody", 404, "The node 'Nobody' is not in the execution, or never ran"),
        ("node=Start&run=1", 404, "The node 'Start' has run 1 times: there is no run 1"),
        ("node=Start&output=3", 404, "The run 0 of the node 'Start' has no output 3 of the type main"),
        ("node=Start&type=ai_tool", 404, "The run 0 of the node 'Start' has no output 0 of the type ai_tool"),
        ("node=Call&input=true&output=1", 404, "The run 0 of the node 'Call' has no input 1 of the type main"),
        ("node=Start&input=true", 404, "The run 0 of the node 'Start' has no input 0 of the type main"),
        ("run=1", 400, "run: Needs node beside it."),
        ("node=Start&limit=0", 400, "limit: Must be at least 1."),
        ("node=Start&offset=-1", 400, None),
        ("node=Start&run=99999999999", 400, None),
        (f"node={'x' * 256}", 400, None),
    ],
)
def test_what_is_not_there(api, workflow, query: str, status: int, message: str | None) -> None:
    answer = api.get(f"/executions/{api.ended(workflow, data=DATA)}/data?{query}")
    assert answer.status_code == status
    assert message is None or answer.json["message"] == message


def test_equal_outputs_have_equal_digests(api, workflow) -> None:
    def digests(items: list) -> list[str]:
        data = {"resultData": {"runData": {"A": [{"data": {"main": [items, ITEMS]}}]}}}
        outputs = api.get(f"/executions/{api.ended(workflow, data=data)}/data").json["nodes"][0]["runs"][0]["outputs"]
        return [output["digest"] for output in outputs["main"]]

    same, other = digests(ITEMS), digests(ITEMS[1:])
    assert same[0] == same[1] == other[1] != other[0]


def test_before_anything_is_recorded(api, workflow) -> None:
    number = api.queue(workflow)
    body = api.get(f"/executions/{number}/data").json
    assert (body["recorded"], body["nodes"], body["error"]) == (False, [], None)
    assert api.get(f"/executions/{number}/data?node=Start").status_code == 404


def test_what_cannot_be_read_by_node_is_refused_with_a_way_out(api, workflow, monkeypatch) -> None:
    odd = api.ended(workflow, data={"resultData": {"runData": {"A": [1]}}})
    answer = api.get(f"/executions/{odd}/data")
    assert (answer.status_code, "includeData=true" in answer.json["message"]) == (409, True)
    monkeypatch.setattr(run_data, "largest", lambda: 100)
    answer = api.get(f"/executions/{api.ended(workflow, data=DATA)}/data")
    assert (answer.status_code, "ignoreDataSizeLimit=true" in answer.json["message"]) == (409, True)


def test_the_attempts_are_the_whole_chain(api, workflow) -> None:
    first = api.ended(workflow, "error")
    second = int(api.post(f"/executions/{first}/retry").json["id"])
    api.finish(second, "error", error_message="again")
    third = int(api.post(f"/executions/{second}/retry").json["id"])
    for number in (first, second, third):
        attempts = api.get(f"/executions/{number}/data").json["attempts"]
        assert [(a["id"], a["retryOf"]) for a in attempts] == [
            (str(first), None), (str(second), str(first)), (str(third), str(second))
        ]  # fmt: skip


def test_of_nodes_that_ran_often_the_first_runs_are_shown(api, workflow, monkeypatch) -> None:
    monkeypatch.setattr(run_rendering, "MAX_RUNS", 10)
    runs = {"A": 2, "B": 30, "C": 5}
    data = {"resultData": {"runData": {name: [{}] * count for name, count in runs.items()}}}
    nodes = api.get(f"/executions/{api.ended(workflow, data=data)}/data").json["nodes"]
    assert {node["name"]: node["runCount"] for node in nodes} == runs
    assert {node["name"]: len(node["runs"]) for node in nodes} == {"A": 2, "B": 4, "C": 4}
