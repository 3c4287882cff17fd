"""Problems over HTTP: seen, followed page by page, retried as a whole, and put aside."""

import pytest

from app.api.executions import bulk
from app.repository import failure_groups


@pytest.fixture
def failed(api):
    """Three problems of two projects: the ids of executions by the word that their messages begin with."""
    here, there = api.workflow(workflow_id="here"), api.workflow(api.project("other"), "there")
    made = {
        "Order": [api.ended(here, "error", error_message=f"Order {n} is lost") for n in range(3)],
        "Answer": [api.ended(here, "error", error_message="Answer missing")],
        "Elsewhere": [api.ended(there, "error", error_message="Elsewhere")],
    }
    failure_groups.group_some(api.db)
    api.db.commit()
    return made


def listed(api, query: str = "") -> list[str]:
    return [problem["message"].split()[0] for problem in api.get(f"/problems{query}").json["data"]]


def problem_of(api, word: str) -> dict:
    [found] = [problem for problem in api.get("/problems").json["data"] if problem["message"].startswith(word)]
    return found


def test_a_problem_says_what_how_often_and_where(api, failed):
    problem = problem_of(api, "Order")
    assert problem["pattern"] == "Order <number> is lost"
    assert problem["message"] == "Order 2 is lost"
    assert (problem["count"], problem["fixedByRetry"], problem["status"]) == (3, 0, "open")
    assert (problem["workflowId"], problem["workflowName"], problem["node"]) == (
        "here",
        "Customer Onboarding",
        "Nothing",
    )
    assert problem["lastExecutionId"] == str(failed["Order"][-1])
    assert [version["count"] for version in problem["versions"]] == [3]
    assert sum(problem["trend"]["counts"]) == 3
    assert len(problem["trend"]["counts"]) == 48
    by_day = api.get(f"/problems/{problem['id']}?trend=days").json
    assert (len(by_day["trend"]["counts"]), by_day["trend"]["counts"][-1]) in ((30, 3), (30, 0))
    assert api.get(f"/executions?problem={problem['id']}&status=error").json["count"] == 3


def test_lists_filter_and_go_on(api, failed):
    assert listed(api) == ["Elsewhere", "Answer", "Order"]
    assert listed(api, "?workflowId=here") == ["Answer", "Order"]
    assert listed(api, "?projectId=other&status=open&seenAfter=2020-01-01") == ["Elsewhere"]
    assert listed(api, "?seenBefore=2020-01-01") == []
    assert listed(api, "?status=muted") == []
    first = api.get("/problems?limit=2&workflowId=here&workflowId=there").json
    assert listed(api, f"?cursor={first['nextCursor']}") == ["Order"]
    assert api.get(f"/problems?cursor={first['nextCursor']}&workflowId=here").status_code == 400


@pytest.mark.parametrize(
    "query", ["cursor=eyJsYXN0SWQiOiIxIiwibGltaXQiOjJ9", "status=closed", "trend=weeks", "limit=0"]
)
def test_what_cannot_be_is_400(api, query):
    assert api.get(f"/problems?{query}").status_code == 400


def test_a_problem_is_put_aside_and_comes_back(api, failed):
    path = f"/problems/{problem_of(api, 'Answer')['id']}"
    assert api.patch(path, {"status": "handled"}).json["status"] == "handled"
    assert api.get(path).json["status"] == "handled"
    assert listed(api, "?status=open&workflowId=here") == ["Order"]
    assert api.patch(path, {"status": "open"}).json["status"] == "open"
    assert api.patch(path, {"status": "gone"}).status_code == 400
    assert api.patch(path, {}).status_code == 400
    for misspelt in (
        api.patch(path, {"status": "muted", "til": "tomorrow"}),
        api.patch(f"{path}?x=1", {"status": "muted"}),
    ):
        assert (misspelt.status_code, "Unknown field." in misspelt.json["message"]) == (400, True)
    assert api.get(path).json["status"] == "open"
    for unknown in ("/problems/999999", "/problems/x", "/problems/0"):
        assert api.patch(unknown, {"status": "open"}).status_code == api.get(unknown).status_code == 404
        assert api.post(f"{unknown}/retry").status_code == 404


def test_a_whole_problem_is_retried(api, failed):
    path = f"/problems/{problem_of(api, 'Order')['id']}"
    would = api.post(f"{path}/retry", {"dryRun": True}).json
    assert (would["retried"], [one["id"] for one in would["results"]]) == (
        0,
        [str(n) for n in reversed(failed["Order"])],
    )
    assert api.post(f"{path}/retry", {"loadWorkflow": True, "from": "start"}).json["retried"] == 3
    assert api.post(f"{path}/retry").json["retried"] == 0, "they are in flight"
    assert api.post(f"{path}/retry", {"from": "end"}).status_code == 400
    newest = int(api.get("/executions?limit=1").json["data"][0]["id"])
    api.finish(newest)
    failure_groups.group_some(api.db)
    api.db.commit()
    assert api.get(path).json["fixedByRetry"] == 1


def test_more_than_one_call_should_wait_for_is_a_job(api, failed, monkeypatch):
    monkeypatch.setattr(bulk, "MAX_AT_ONCE", 2)
    path = f"/problems/{problem_of(api, 'Order')['id']}/retry"
    assert api.post(path, {"dryRun": True}).json["matched"] == 3
    begun = api.post(path).json
    assert (begun["retried"], begun["results"], begun["matched"]) == (0, [], 3)
    assert api.get(f"/executions/retryMany/{begun['job']}").json["finished"] is False


def test_another_projects_problems_do_not_exist(api, failed):
    limited = api.with_key("limited", "*", project_id="other")
    assert listed(limited) == ["Elsewhere"]
    order = problem_of(api, "Order")["id"]
    assert limited.get(f"/problems/{order}").status_code == 404
    assert limited.patch(f"/problems/{order}", {"status": "muted"}).status_code == 404
    assert limited.post(f"/problems/{order}/retry").status_code == 404
    assert limited.get(f"/executions?problem={order}").json["count"] == 0
