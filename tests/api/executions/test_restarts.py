"""Retrying from the start or a node, with other items: what is refused, and what a worker makes of it."""

import orjson
import psycopg
import pytest

from app.api.executions import restarts
from app.repository import restart_checks
from app.repository.executions import read_inputs
from tests.patience import wait_until
from tests.workflows import START, chain, node, set_field

RAN = {
    "resultData": {
        "runData": {
            "Start": [{"executionIndex": 0}],
            "A": [{"executionIndex": 1, "source": [{"previousNode": "Start"}]}],
        }
    }
}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"from": "start"}, 200),
        ({"from": {"node": "A"}}, 200),
        ({"from": {"node": "A", "run": 0}, "items": [{"x": 1}]}, 200),
        ({"from": "failure"}, 409),
        ({"items": [{"x": 1}]}, 409),
        ({"from": {"node": "B"}}, 400),
        ({"from": {"node": "A", "run": 1}}, 400),
        ({"from": {"node": "A", "run": -1}}, 400),
        ({"from": {"node": "A", "run": True}}, 400),
        ({"from": {"node": "A", "run": 2**40}}, 400),
        ({"from": {"node": "A", "more": 1}}, 400),
        ({"from": {"node": ["A"]}}, 400),
        ({"from": {"run": 0}}, 400),
        ({"from": "end"}, 400),
        ({"from": ["start"]}, 400),
        ({"from": None}, 400),
        ({"from": "start", "items": []}, 400),
        ({"from": "start", "items": ["x"]}, 400),
    ],
)
def test_a_success_is_retried_from_a_place_only(api, workflow, given, status):
    number = api.ended(workflow, data=RAN)
    response = api.post(f"/executions/{number}/retry", given)
    assert response.status_code == status, response.json
    assert (response.json.get("retryOf") == str(number)) == (status == 200)


@pytest.mark.parametrize("place", ["start", {"node": "A"}])
def test_what_has_not_ended_is_not_retried_from_anywhere(api, each, place):
    for status in ("new", "running", "waiting"):
        response = api.post(f"/executions/{each[status]}/retry", {"from": place})
        assert (response.status_code, response.json["message"]) == (
            409,
            "Cannot retry a running or waiting execution",
        )


def test_many_go_on_at_a_node_and_those_without_it_say_so(api, workflow):
    having = api.ended(workflow, "error", data=RAN)
    lacking = api.ended(workflow, "error")
    body = {"filter": {"ids": [str(having), str(lacking)]}, "from": {"node": "A"}}
    for dry_run in (True, False):
        results = {
            one["id"]: one for one in api.post("/executions/retryMany", {**body, "dryRun": dry_run}).json["results"]
        }
        assert "never ran" in results[str(lacking)]["message"]
        assert ("retryId" in results[str(having)]) != dry_run


def failed_at(name, **runs):
    rest = {"nodeExecutionStack": [{"node": {"name": name}}]}
    return {"resultData": {"runData": {name: [{"executionStatus": status}] for name, status in runs.items()}},
            "executionData": rest}  # fmt: skip


@pytest.mark.parametrize("data", [RAN, None, failed_at("Start", Start="error"), failed_at("Start")])
@pytest.mark.parametrize("many", [False, True])
def test_a_retry_starts_over_with_what_the_one_before_it_began_with(api, workflow, data, many):
    """Also where nobody has said at which trigger that was, and where it began since nothing was recorded, or since the
    trigger itself had failed."""
    number = api.ended(workflow, "error", data=data) if data else api.ended(workflow, "canceled")
    items = [{"x": 1}]
    body = {"items": items} | ({"from": {"node": "Start"}} if data is RAN else {})
    if many:
        body = {**body, "filter": {"ids": [str(number)]}}
        retry = api.post("/executions/retryMany", body).json["results"][0]["retryId"]
    else:
        retry = api.post(f"/executions/{number}/retry", body).json["id"]
    api.finish(int(retry), "error", error_message="Again")
    again = int(api.post(f"/executions/{retry}/retry", {"from": "start"}).json["id"])
    given = read_inputs(api.db, [again])[again]
    assert orjson.loads(given.items) == [{"json": {"x": 1}}]
    assert given.start_node == ("Start" if data is RAN else None)


@pytest.mark.parametrize("data", [failed_at("A", Start="success", A="error"), failed_at("A", Start="success")])
def test_items_for_the_node_that_failed_are_not_what_a_later_retry_starts_over_with(api, workflow, data):
    number = api.ended(workflow, "error", data=data)
    retry = api.post(f"/executions/{number}/retry", {"items": [{"x": 1}]}).json["id"]
    api.finish(int(retry), "error", error_message="Again")
    again = int(api.post(f"/executions/{retry}/retry", {"from": "start"}).json["id"])
    assert read_inputs(api.db, [again])[again].items is None


def test_many_are_looked_into_together(api, workflow, monkeypatch):
    """As many statements for many as for few, but for data that is not read at once."""
    asked = []
    execute = psycopg.Cursor.execute

    def count(cursor, query, *given, **more):
        asked.append(query)
        return execute(cursor, query, *given, **more)

    def ask() -> int:
        asked.clear()
        answer = api.post("/executions/retryMany", {"filter": {}, "from": {"node": "A"}, "dryRun": True}).json
        told = ["message" not in each for each in answer["results"]]
        assert told == [number % 2 == 0 for number in reversed(range(answer["matched"]))]
        return sum("execution" in str(query) for query in asked)  # caches look up keys and such now and then

    monkeypatch.setattr(psycopg.Cursor, "execute", count)
    statements = []
    for _ in range(3):
        for data in (RAN, {}):
            api.ended(workflow, "error", data=data)
        statements.append(ask())
    assert len(set(statements)) == 1
    monkeypatch.setattr(restart_checks, "BATCH_BYTES", 1)
    assert ask() > statements[2]


def test_data_that_is_too_large_to_look_into_is_not_read(api, workflow, monkeypatch):
    number = api.ended(workflow, data=RAN)
    monkeypatch.setattr(restarts, "largest", lambda: 10)
    refused = api.post(f"/executions/{number}/retry", {"from": {"node": "A"}})
    assert (refused.status_code, "EXECUTIONS_BODIES_BYTES" in refused.json["message"]) == (409, True)
    assert api.post(f"/executions/{number}/retry", {"from": "start"}).status_code == 200


def test_anothers_execution_has_no_nodes(api, workflow):
    number = api.ended(workflow, data=RAN)
    other = api.with_key("another-projects-key", "*", project_id=api.project("elsewhere"))
    for name in ("A", "B"):
        assert other.post(f"/executions/{number}/retry", {"from": {"node": name}}).status_code == 404


def test_a_worker_goes_on_where_it_was_told(start_server, start_worker):
    server = start_server()
    start_worker()
    steps = [
        set_field("x", "={{ $json.x }}a", name="A"),
        set_field("x", "={{ $json.x }}b", name="B"),
        node("C", "noOp"),
    ]
    document = {**chain(START, *steps), "name": "Steps", "settings": {}}
    workflow_id = server.post("/api/v1/workflows", document).body["id"]
    first = server.post(f"/api/v1/workflows/{workflow_id}/run", {"input": [{"x": "1"}], "wait": 60}).body
    assert made(server, first) == "1ab"
    for body, expected in (
        ({"from": {"node": "B"}, "items": [{"x": "z"}]}, "zb"),
        ({"from": {"node": "B", "run": 0}}, "1ab"),
        ({"from": "start", "items": [{"x": "2"}]}, "2ab"),
        ({"from": {"node": "Start"}, "items": [{"x": "3"}]}, "3ab"),
        ({"from": "start"}, "1ab"),
    ):
        retry = server.post(f"/api/v1/executions/{first['id']}/retry", body)
        assert retry.status == 200, retry.body
        assert made(server, retry.body) == expected, body
        given = server.get(f"/api/v1/executions/{retry.body['id']}/data?node=B&input=true").body["items"]
        assert given[0]["json"] == {"x": expected[:-1]}
        if expected in ("2ab", "3ab"):
            for place in ("start", {"node": "Start"}):
                again = server.post(f"/api/v1/executions/{retry.body['id']}/retry", {"from": place})
                assert made(server, again.body) == expected, place
    assert server.get(f"/api/v1/executions/{first['id']}").body["retrySuccessId"] is not None


def made(server, execution):
    """What the last node of an execution has put out, when it has ended."""

    def look():
        found = server.get(f"/api/v1/executions/{execution['id']}?includeData=true").body
        return found if found["status"] in ("success", "error") else None

    return wait_until(look)["data"]["resultData"]["runData"]["C"][-1]["data"]["main"][0][0]["json"]["x"]
