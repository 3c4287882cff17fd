"""Lists, retries and deletions by words of an error's message, and lists by id."""

import pytest


@pytest.fixture
def failed(api, workflow) -> dict[str, int]:
    """Executions that failed, by message."""
    messages = ("connect ECONNREFUSED 10.0.0.1:5432", "404 - Not found: /orders/7", "Überlauf in 'Total'")
    made = {message: api.ended(workflow, "error", error_message=message) for message in messages}
    api.ended(workflow)
    return made


def listed(api, query: str) -> list[int]:
    body = api.get(f"/executions?{query}").json
    assert body["count"] == len(body["data"])
    return [int(execution["id"]) for execution in body["data"]]


def test_lists_by_words_in_any_order_and_capitals_or_not(api, failed) -> None:
    refused, missing, overflow = failed.values()
    assert listed(api, "error=econnrefused") == listed(api, "error=5432+connect") == [refused]
    assert listed(api, "error=Not+FOUND+404&workflowId=first&status=error") == [missing]
    assert listed(api, "error=%C3%BCberlauf") == [overflow]
    assert listed(api, "error=connect&status=canceled") == listed(api, "error=econn") == []
    assert listed(api.with_key("other", "*", project_id=api.project("other")), "error=connect") == []


def test_a_cursor_carries_the_words(api, workflow) -> None:
    numbers = [api.ended(workflow, "error", error_message=f"No host {n}") for n in range(3)]
    page = api.get("/executions?error=no+host&limit=2").json
    assert [int(e["id"]) for e in page["data"]] == numbers[:0:-1]
    rest = api.get(f"/executions?cursor={page['nextCursor']}").json
    assert [int(e["id"]) for e in rest["data"]] == numbers[:1]


@pytest.mark.parametrize("query", ["error=%20!", f"error={'x' * 256}", "error=a%00b", "id=exec_1", "id=1&id=0"])
def test_what_cannot_be_looked_for(api, query: str) -> None:
    assert api.get(f"/executions?{query}").status_code == 400


def test_lists_by_id(api, failed) -> None:
    refused, missing, _ = failed.values()
    assert listed(api, f"id={missing}") == [missing]
    assert listed(api, f"id={refused}&id={missing}&id=999") == [missing, refused]
    assert listed(api, f"id={refused}&status=success") == []


def test_bulk_calls_take_the_filters_of_lists(api, failed) -> None:
    refused, missing, overflow = failed.values()
    api.patch(f"/executions/{overflow}", {"annotation": {"vote": "up"}})
    found = api.post("/executions/retryMany", {"filter": {"error": "not found"}, "dryRun": True}).json["results"]
    assert [one["id"] for one in found] == [str(missing)]
    found = api.post("/executions/retryMany", {"filter": {"vote": ["up"]}, "dryRun": True}).json["results"]
    assert [one["id"] for one in found] == [str(overflow)]
    assert api.post("/executions/delete", {"filter": {"error": "econnrefused"}}).json["success"]
    assert api.get(f"/executions/{refused}").status_code == 404
    assert api.get(f"/executions/{missing}").status_code == 200
    for path in ("retryMany", "delete"):
        assert api.post(f"/executions/{path}", {"filter": {"metadataValue": "1"}}).status_code == 400
