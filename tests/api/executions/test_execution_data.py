"""includeData: what a run produced comes back as it was stored, whatever its size, in bounded memory."""

import gzip
import os

import orjson
import pytest
import zstandard

from app.api.executions import details as execution_details
from app.api.executions import stream as execution_stream
from app.repository.damaged_data import find_damaged, read_intact
from tests.repository.given import lose_large_values

MEBIBYTE = 2**20


@pytest.fixture
def workflow(api):
    return api.workflow(pinData={"Start": [{"json": {"a": 1}}]}, meta={"extra": "kept"})


def test_without_it_no_data_is_read(api, workflow, monkeypatch):
    number = api.ended(workflow)
    monkeypatch.setattr(execution_details, "read_intact", lambda *a: pytest.fail("read"))
    for path in (f"/executions/{number}", "/executions"):
        body = api.get(path).json
        shown = body["data"][0] if "data" in body else body
        assert not {"data", "workflowData", "customData"} & shown.keys()


def test_one_comes_with_data_workflow_and_custom_data(api, workflow):
    data = {"resultData": {"runData": {"Start": [{"startTime": 1}]}}, "executionData": {"contextData": {}}}
    number = api.ended(workflow, data=data, metadata=(("customer", "42"),))
    body = api.get(f"/executions/{number}?includeData=true").json
    assert body["data"] == data
    assert body["customData"] == {"customer": "42"}
    assert body["workflowData"] == {
        "id": workflow.id,
        "name": "Customer Onboarding",
        "versionId": str(workflow.version_id),
        **orjson.loads(workflow.definition),
    }
    assert body["jsonSizeBytes"] == len(orjson.dumps(data))
    (listed,) = api.get("/executions?includeData=true").json["data"]
    assert listed == body


def test_the_workflow_is_the_version_that_ran(api, workflow):
    number = api.ended(workflow)
    changed = {**orjson.loads(workflow.definition), "name": "Renamed", "settings": {"timezone": "UTC"}}
    assert api.put(f"/workflows/{workflow.id}", changed).status_code == 200
    body = api.get(f"/executions/{number}?includeData=true").json
    assert body["workflowData"]["name"] == body["workflowName"] == "Customer Onboarding"
    assert body["workflowVersionId"] == body["workflowData"]["versionId"] == str(workflow.version_id)


def test_data_is_null_while_nothing_was_recorded(api, workflow):
    number = api.queue(workflow)
    body = api.get(f"/executions/{number}?includeData=true").json
    assert body["data"] is None
    assert body["customData"] == {}


@pytest.mark.parametrize(
    "text",
    [
        rb'{"a":"\u0000","b":"\ud83d\ude00","c":9007199254740993,"d":18446744073709551615,"e":1e400}',
        rb'{"a":1,"a":2,"deep":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{ "spaced" : [ 1 , 2 ] }',
    ],
)
def test_whatever_json_can_hold_comes_back_byte_for_byte(api, workflow, text):
    number = api.ended(workflow, data=text)
    raw = api.get(f"/executions/{number}?includeData=true").data
    assert b'"data":' + text + b"," in raw
    assert b'"data":' + text + b"," in api.get("/executions?includeData=true").data


def test_data_over_the_limit_stays_away_unless_asked_for(api, workflow, make_app):
    api.client = make_app(EXECUTIONS_DATA_MAX_DISPLAY_SIZE="1000").test_client()
    small, large = api.ended(workflow, data={"a": "x" * 900}), api.ended(workflow, data={"a": "x" * 1000})
    body = api.get(f"/executions/{large}?includeData=true").json
    assert "data" not in body
    assert body["dataTooLargeToDisplay"] is True
    assert body["workflowData"]
    first, second = api.get("/executions?includeData=true").json["data"]
    assert (int(first["id"]), "data" in first) == (large, False)
    assert (int(second["id"]), "data" in second, "dataTooLargeToDisplay" in second) == (small, True, False)
    for path in (f"/executions/{large}?", "/executions?"):
        body = api.get(f"{path}includeData=true&ignoreDataSizeLimit=true").json
        shown = body["data"][0] if path == "/executions?" else body
        assert shown["data"] == {"a": "x" * 1000}
        assert "dataTooLargeToDisplay" not in shown


def test_a_page_has_room_for_so_much_data_and_says_what_it_leaves_out(api, workflow, make_app):
    api.client = make_app(EXECUTIONS_PAGE_BYTES="600").test_client()
    small, large, other, newest = [api.ended(workflow, data={"a": "x" * size}) for size in (200, 700, 900, 300)]
    page = api.get("/executions?includeData=true").json["data"]
    assert [int(execution["id"]) for execution in page] == [newest, other, large, small]
    assert [execution.get("dataTooLargeToDisplay", False) for execution in page] == [False, True, True, False]
    assert ["data" in execution for execution in page] == [True, False, False, True]
    assert all(execution["workflowData"] for execution in page)
    everything = api.get("/executions?includeData=true&ignoreDataSizeLimit=true").json["data"]
    for execution in everything:
        assert api.get(f"/executions/{execution['id']}?includeData=true").json["data"] == execution["data"]


DAMAGE = [
    "encoded = substr(encoded, 1, 20)",
    "encoded = substr(encoded, 1, length(encoded) - 20)",
    r"encoded = overlay(encoded PLACING '\\xffffffffffff' FROM 1)",
    "encoded = '', encoding = 'identity', run_index = NULL",
    r"encoded = '\\xff00', encoding = 'identity', run_index = NULL",
]


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("length", [1_000, 400_000])
def test_damaged_data_keeps_no_others_back(api, workflow, caplog, length, coding):
    texts = {"resultData": {"runData": {"A": [{"data": {"main": [[{"json": {"x": os.urandom(length // 2).hex()}}]]}}]}}}
    numbers = [api.ended(workflow, data=texts) for _ in range(len(DAMAGE) + 1)]
    for number, change in zip(numbers, DAMAGE, strict=False):
        api.db.execute(f"UPDATE execution_data SET {change} WHERE execution_id = %s", [number])
    api.db.commit()
    headers = {"Accept-Encoding": coding}
    page = decoded(api.get("/executions?includeData=true&ignoreDataSizeLimit=true", headers=headers))["data"]
    assert [(int(each["id"]), each.get("dataIsDamaged"), each["data"]) for each in page] == [
        (number, None, texts) if number == numbers[-1] else (number, True, None) for number in reversed(numbers)
    ]
    for number in numbers[:-1]:
        for path in ("?includeData=true", "/data", "/data?node=A", "/parameters?node=A"):
            answer = api.get(f"/executions/{number}{path}", headers=headers)
            told = decoded(answer)["message"]
            assert (answer.status_code, f"The data of execution {number} is damaged" in told) == (409, True), path
        assert api.get(f"/executions/{number}").status_code == 200
    assert "Traceback" not in caplog.text
    seen_at_the_beginning = [number for number in numbers[:-1] if length == 1_000 or number != numbers[1]]
    assert find_damaged(api.db, limit=100) == seen_at_the_beginning


@pytest.mark.parametrize("coding", ["identity", "zstd"])
def test_damage_that_decodes_is_told_by_the_checksum(api, workflow, coding):
    broken, old, other = [api.ended(workflow, data={"runData": "x" * 400}) for _ in range(3)]
    change = r"overlay(encoded PLACING '\x0102' FROM position('unData'::bytea IN encoded))"
    api.db.execute(f"UPDATE execution_data SET encoded = {change} WHERE execution_id = %s", [broken])
    without = zstandard.ZstdCompressor().compress(orjson.dumps({"an": "older row" * 50}))
    api.db.execute("UPDATE execution_data SET encoded = %s WHERE execution_id = %s", [without, old])
    api.db.commit()
    page = decoded(api.get("/executions?includeData=true", headers={"Accept-Encoding": coding}))["data"]
    assert [(int(each["id"]), each.get("dataIsDamaged"), each["data"]) for each in page] == [
        (other, None, {"runData": "x" * 400}),
        (old, None, {"an": "older row" * 50}),
        (broken, True, None),
    ]


def decoded(answer):
    coding, body = answer.headers.get("Content-Encoding"), answer.data
    if coding == "gzip":
        body = gzip.decompress(body)
    if coding == "zstd":
        body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return orjson.loads(body)


@pytest.mark.parametrize("length", [10_000, 400_000])
def test_what_postgresql_cannot_read_keeps_no_others_back(api, workflow, length):
    run = {"executionIndex": 0, "data": {"main": [[{"json": {"x": os.urandom(length // 2).hex()}}]]}}
    broken = api.ended(workflow, data={"resultData": {"runData": {"A": [run]}}})
    lose_large_values(api.db)
    api.db.commit()
    other = api.ended(workflow)
    page = api.get("/executions?includeData=true").json["data"]
    assert [(int(each["id"]), each.get("dataIsDamaged")) for each in page] == [(other, None), (broken, True)]
    for path in ("?includeData=true", "/data", "/data?node=A", "/parameters?node=A"):
        answer = api.get(f"/executions/{broken}{path}")
        told = answer.json["message"]
        assert (answer.status_code, f"The data of execution {broken} is damaged" in told) == (409, True), path
    body = {"from": {"node": "A"}, "filter": {"ids": [str(broken), str(other)]}}
    told = [each["message"] for each in api.post("/executions/retryMany", body).json["results"]]
    assert told == ["What the execution recorded cannot be read", "The node 'A' is not in the execution, or never ran"]
    assert api.post(f"/executions/{broken}/retry", {"from": "start"}).status_code == 200


def test_a_page_is_read_in_batches_and_never_whole(api, workflow, monkeypatch):
    monkeypatch.setattr(execution_details, "BATCH_BYTES", 3000)
    sizes = [100, 2000, 100, 5000, 100, 100]
    numbers = [api.ended(workflow, data={"a": "x" * size}) for size in sizes]
    asked = []

    def read(connection, ids):
        asked.append(list(ids))
        return read_intact(connection, ids)

    monkeypatch.setattr(execution_details, "read_intact", read)
    response = api.get("/executions?includeData=true")
    assert [e["data"] for e in response.json["data"]] == [{"a": "x" * size} for size in reversed(sizes)]
    assert response.json["count"] == 6
    assert [number for batch in asked for number in batch] == numbers[::-1]
    lengths = dict(zip(numbers, sizes, strict=True))
    assert len(asked) >= 3
    assert all(len(batch) == 1 or sum(lengths[n] for n in batch) < 3000 for batch in asked)


def test_workflows_count_towards_a_batch_too(api, monkeypatch):
    for _ in range(3):
        api.ended(api.workflow(meta={"long": "x" * MEBIBYTE}))
    monkeypatch.setattr(execution_details, "BATCH_BYTES", int(1.5 * MEBIBYTE))
    asked = []
    real = execution_details.get_versions
    monkeypatch.setattr(execution_details, "get_versions", lambda c, ids: asked.append(len(ids)) or real(c, ids))
    assert len(api.get("/executions?includeData=true").json["data"]) == 3
    assert asked == [1, 1, 1]


def test_no_connection_is_held_while_a_client_takes_its_time(api, workflow, monkeypatch):
    monkeypatch.setattr(execution_stream, "PIECE_BYTES", 1)
    monkeypatch.setattr(execution_details, "BATCH_BYTES", 1000)
    for _ in range(4):
        api.ended(workflow, data={"a": "x" * 900})
    pool = api.client.application.extensions["executions"].pool
    response = api.get("/executions?includeData=true", buffered=False)
    chunks = iter(response.response)
    next(chunks)
    assert pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"]
    rest = b"".join(chunks)
    assert rest.count(b'"workflowData"') == 4
    response.close()


def test_one_that_is_deleted_while_the_page_is_sent_leaves_valid_json(api, workflow, monkeypatch):
    monkeypatch.setattr(execution_stream, "PIECE_BYTES", 1)
    monkeypatch.setattr(execution_details, "BATCH_BYTES", 1000)
    numbers = [api.ended(workflow, data={"a": "x" * 900}) for _ in range(3)]
    response = api.get("/executions?includeData=true", buffered=False)
    chunks = iter(response.response)
    start = next(chunks)
    api.db.execute("DELETE FROM executions")
    api.db.execute("DELETE FROM workflows")
    api.db.execute("DELETE FROM workflow_versions")
    api.db.commit()
    body = orjson.loads(start + b"".join(chunks))
    assert [e["id"] for e in body["data"]] == [str(number) for number in reversed(numbers)]
    for name in ("data", "workflowData"):
        assert [e[name] is None for e in body["data"]] == [False, True, True]


def test_fifty_megabytes(api, workflow):
    text = orjson.dumps({"a": "x" * (50 * MEBIBYTE)})
    number = api.ended(workflow, data=text)
    assert api.get(f"/executions/{number}?includeData=true").json["dataTooLargeToDisplay"] is True
    raw = api.get(f"/executions/{number}?includeData=true&ignoreDataSizeLimit=true").data
    assert text in raw
