"""The list of executions in the console: filters, rows, dialogs, views."""

import re

import orjson
import pytest

from app.api.face.sessions import TOKEN_HEADER


def test_the_list_tells_why_and_its_state_is_in_the_address(browser, each):
    page = browser.get("/console/executions").text
    assert page.count('class="row ') == len(each)
    assert "It broke" in page
    page = browser.get("/console/executions?status=error&workflowId=first").text
    assert page.count('class="row ') == 1
    assert re.search(r'value="error" checked', page)
    assert "workflowId=first&amp;status=error" in page or "status=error&amp;workflowId=first" in page
    assert browser.get(f"/console/executions?search=%23{each['success']}").text.count('class="row ') == 1


def test_several_ids_are_searched_for_at_once(browser, each):
    sought = f"search=%23{each['success']}+%23{each['error']}"
    page = browser.get(f"/console/executions?{sought}").text
    assert page.count('class="row ') == 2
    assert f'value="#{each["success"]} #{each["error"]}"' in page
    assert browser.get(f"/console/executions?search={each['success']}+{each['error']}").text.count('class="row ') == 0
    assert "At most 50 ids" in browser.get("/console/executions?search=" + "%231+" * 51).text
    dialog = browser.get(f"/console/executions/bulk/tag?{sought}&mode=manual").text
    assert 'data-only="" data-state="mode=manual&amp;search=' in dialog
    alone = browser.get(f"/console/executions/bulk/tag?id={each['error']}").text
    assert f'data-only="{each["error"]}"' in alone


def test_words_of_an_error_are_searched_for_and_a_cursor_carries_them(browser, api, workflow):
    for number in range(52):
        api.ended(workflow, "error", error_message=f"No stock for {number}")
    api.ended(workflow, "error", error_message="Something else")
    page = browser.get("/console/executions?search=STOCK").text
    assert page.count('class="row ') == 50
    cursor = re.search(r"more\?cursor=([\w-]+)", page)[1]
    assert browser.get(f"/console/executions/more?cursor={cursor}").text.count('class="row ') == 2


def test_the_histogram_is_there_for_any_filter(browser, each):
    everything = browser.get("/console/executions/histogram").json
    assert everything["counted"]
    assert everything["total"] == {"success": 1, "error": 1, "canceled": 1, "crashed": 0}
    assert sum(everything["series"]["error"]) == 1
    assert len(everything["times"]) == len(everything["series"]["error"])
    assert everything["inFlight"] == {"new": 1, "running": 1, "waiting": 1}
    one = browser.get("/console/executions/histogram?status=error&range=week").json
    assert one["series"].keys() == {"error"}
    assert one["total"]["success"] == 1, "what else could be chosen is told, too"
    searched = browser.get("/console/executions/histogram?search=broke").json
    assert not searched["counted"]
    assert searched["total"] == {"success": 0, "error": 1, "canceled": 0, "crashed": 0}
    assert browser.get("/console/executions/histogram?search=nowhere&startedAfter=2020-01-01").json["sample"] is None
    for sought in ("", "&search=broke"):
        since_ever = browser.get(f"/console/executions/histogram?startedAfter=1900-01-01{sought}").json
        assert since_ever["total"]["error"] == sum(since_ever["series"]["error"]) == 1
    long_ago = browser.get("/console/executions/histogram?startedBefore=0001-01-01T00:00:00Z").json
    assert sum(long_ago["total"].values()) == 0


def test_of_any_time_the_histogram_shows_a_span_in_which_something_ended(browser, api, workflow):
    for days in (400, 30):
        api.db.execute(
            "INSERT INTO execution_ends (minute, project_id, workflow_id, mode, status, bucket, number)"
            " VALUES (date_trunc('minute', now()) - %s * interval '1 day', 'default', %s, 'trigger', %s, 5, 7)",
            (days, workflow.id, "error" if days == 400 else "success"),
        )
        api.db.commit()
    month = browser.get("/console/executions/histogram").json
    assert month["total"] == {"success": 7, "error": 0, "canceled": 0, "crashed": 0}
    all_of_it = browser.get("/console/executions/histogram?status=error").json
    assert all_of_it["total"]["error"] == all_of_it["series"]["error"][0] == 7, "it begins with the first"
    assert sum(browser.get("/console/executions/histogram?range=day").json["total"].values()) == 0


def test_rows_tell_what_they_were_about_to_who_may_read_it(browser, browser_with, api, workflow):
    number = api.ended(workflow)
    api.db.execute(
        "UPDATE executions SET input_preview = %s WHERE id = %s", ['{"order": "A+1+7", "pieces": [1]}', number]
    )
    api.db.commit()
    api.db.execute(
        "INSERT INTO execution_metadata VALUES (%(id)s, 'order', 'A+1+7'), (%(id)s, 'who', '<&>')",
        {"id": number},
    )
    api.db.commit()
    page = browser.get("/console/executions").text
    assert "order A+1+7 · pieces [1]" in page
    assert 'metadataKey=who&amp;metadataValue=%3C%26%3E">who &lt;&amp;&gt;</a>' in page
    assert "metadataKey=order" not in page, "its input says it"
    assert "metadataKey=who" in browser.get(f"/console/executions/rows?id={number}").text
    assert "metadataKey=who" in browser.get("/console/executions/more").text
    assert "A+1+7" not in browser_with("execution:list").get("/console/executions").text


def test_a_wrong_filter_is_named_and_the_page_stays(browser, each):
    response = browser.get("/console/executions?startedAfter=yesterday&status=nonsense")
    assert response.status_code == 200
    assert "startedAfter: " in response.text


def test_more_rows_follow_a_cursor_and_new_ones_are_counted(browser, api, workflow):
    ids = [api.queue(workflow) for _ in range(60)]
    page = browser.get("/console/executions").text
    cursor = re.search(r"more\?cursor=([\w-]+)", page)[1]
    assert browser.get(f"/console/executions/more?cursor={cursor}").text.count('class="row ') == 10
    newer = browser.get(f"/console/executions/newer?after={ids[-5]}&status=new")
    assert ">4 new<" in newer.text
    again = browser.get(f"/console/executions/newer?after={ids[-5]}&status=new", If_None_Match=newer.headers["ETag"])
    assert again.status_code == 304
    rows = browser.get(f"/console/executions/rows?id={ids[0]}&id={ids[1]}&id=nonsense&id=999999").text
    assert rows.count('class="row ') == 2


@pytest.mark.parametrize(
    ("action", "query", "calls"),
    [
        ("retry", "", [{"method": "POST", "path": "/retryMany", "body": {"filter": {"workflowId": "all"}}}]),
        (
            "retry",
            "search=BROKE&status=error&workflowId=first",
            [
                {
                    "method": "POST",
                    "path": "/retryMany",
                    "body": {"filter": {"workflowId": "first", "error": "BROKE", "status": ["error"]}},
                }
            ],
        ),
        ("retry", "search=BROKE&status=canceled", []),
        ("delete", "id=1&id=2", [{"method": "POST", "path": "/delete", "body": {"ids": ["2", "1"]}}]),
        (
            "delete",
            "status=error",
            [{"method": "POST", "path": "/delete", "body": {"filter": {"workflowId": "all", "status": ["error"]}}}],
        ),
        ("delete", "search=%231", [{"method": "POST", "path": "/delete", "body": {"ids": ["1"]}}]),
        ("stop", "id=6&id=1", [{"method": "POST", "path": "/6/stop", "body": None}]),
        (
            "stop",
            "",
            [
                {
                    "method": "POST",
                    "path": "/stopMany",
                    "body": {"filter": {"workflowId": "all", "status": ["queued", "running", "waiting"]}},
                }
            ],
        ),
        ("stop", "status=error", []),
        ("stop", "vote=up", []),
        ("tag", "id=1", [{"method": "PATCH", "path": "/1", "body": {"annotation": {"tags": []}}}]),
        (
            "tag",
            "id=1&id=2",
            [{"method": "POST", "path": "/tagMany", "body": {"ids": ["2", "1"], "tags": []}}],
        ),
        (
            "tag",
            "vote=down&status=error",
            [],
        ),
        (
            "tag",
            "status=error",
            [
                {
                    "method": "POST",
                    "path": "/tagMany",
                    "body": {"filter": {"workflowId": "all", "status": ["error"]}, "tags": []},
                }
            ],
        ),
        (
            "stop",
            "id=6&id=5",
            [
                {
                    "method": "POST",
                    "path": "/stopMany",
                    "body": {"filter": {"ids": ["6", "5"], "status": ["queued", "running", "waiting"]}},
                }
            ],
        ),
        (
            "stop",
            "projectId=default&vote=",
            [
                {
                    "method": "POST",
                    "path": "/stopMany",
                    "body": {
                        "filter": {
                            "workflowId": "all",
                            "projectId": ["default"],
                            "status": ["queued", "running", "waiting"],
                        }
                    },
                }
            ],
        ),
    ],
)
def test_a_dialog_holds_the_calls_that_it_makes(browser, each, action, query, calls):
    page = browser.get(f"/console/executions/bulk/{action}?{query}").text
    held = orjson.loads(re.search(r'data-calls="([^"]*)"', page)[1].replace("&#34;", '"'))
    assert held == [{**call, "path": f"/api/v1/executions{call['path']}"} for call in calls]


def test_filters_are_saved_as_views(browser, api, workflow):
    page = browser.get("/console/executions?search=broke&status=error&range=day").text
    query = re.search(r'data-query="([^"]*)"', page)[1].replace("&amp;", "&")
    assert query == "status=error&error=broke"
    headers = {TOKEN_HEADER: browser.page_token}
    assert browser.send("POST", "/api/v1/views", {"name": "Broken", "query": query}, **headers).status_code == 201
    page = browser.get("/console/executions").text
    assert 'href="/console/executions?status=error&amp;error=broke">Broken</a>' in page
    assert 'value="broke"' in browser.get(f"/console/executions?{query}").text


def test_originals_and_retries_that_are_gone_are_named_without_a_link(browser, api, workflow):
    first = api.ended(workflow, "error")
    second = api.post(f"/executions/{first}/retry").json["id"]
    linked = f'href="/console/executions/{first}">retry of'
    assert linked in browser.get(f"/console/executions/rows?id={second}").text
    assert browser.get("/console/executions").text.count(linked) == 1
    assert api.delete(f"/executions/{first}").status_code == 200
    for path in ("", "/more", f"/rows?id={second}"):
        assert f"retry of #{first} (gone)" in browser.get(f"/console/executions{path}").text, path
    page = browser.get(f"/console/executions/{second}").text
    assert f'<dt>Retry of</dt><dd>#{first} <span class="hint">not there any more' in page
    assert f'/executions/{second}?includeData=true&amp;ignoreDataSizeLimit=true" download' in page
