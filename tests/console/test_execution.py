"""The page of one execution: its graph, its nodes and files, what it waits for, its comparison."""

import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from app.api.executions import run_rendering
from app.console.execution import list_children
from app.repository import execution_progress
from tests.console.given_runs import ITEM, run
from tests.workflows import chain, node


@pytest.fixture
def failed(api, workflow):
    """An execution whose second node failed."""
    nodes = {"Start": [run([ITEM])], "Nothing": [run(None, "Connection refused", "Start")]}
    data = {"resultData": {"runData": nodes, "lastNodeExecuted": "Nothing"}}
    return api.ended(workflow, "error", data=orjson.dumps(data), error_message="Connection refused")


def test_a_running_execution_shows_how_far_it_is(browser, browser_with, api, workflow):
    number = api.queue(workflow)
    api.claim()
    told = {"current": "Nothing", "nodes": [{"node": "Start", "runs": 1, "items": [7], "status": "success"}]}
    execution_progress.save(api.db, {number: orjson.dumps(told)}, [])
    api.db.commit()
    page = browser.get(f"/console/executions/{number}/now").text
    assert 'aria-label="Start: succeeded, leads to ' in page
    assert 'aria-label="Nothing: running"' in page
    assert "7 items" in page
    assert re.search(r"<dt>Worker</dt><dd><bdi>[^<]+</bdi>", page)
    assert re.search(rf'<dt>Version</dt><dd><a href="/console/executions/{number}/changes">saved ', page)
    limited = browser_with("*", project_id="default").get(f"/console/executions/{number}/now").text
    assert "<dt>Version" in limited
    assert "<dt>Worker" not in limited
    place = f"/console/executions/{number}/node?node=Nothing"
    assert "has not run yet" in browser.get(place).text
    told["tries"] = [{"startTime": 1, "executionTime": 20, "error": "Busy"}]
    execution_progress.save(api.db, {number: orjson.dumps(told)}, [])
    api.db.commit()
    assert 'aria-label="Nothing: running, try 2"' in browser.get(f"/console/executions/{number}").text
    assert "1 try so far" in browser.get(place).text


def test_of_a_graph_that_runs_only_what_has_changed_is_sent_again(browser, api, workflow, monkeypatch):
    number = api.queue(workflow)
    api.claim()
    start = {"node": "Start", "runs": 1, "items": [7], "status": "success", "changed": 1}
    for current, runs, nodes in (("Start", 0, []), ("Nothing", 1, [start])):
        told = {"current": current, "version": f"0.{runs}", "nodes": nodes}
        execution_progress.save(api.db, {number: orjson.dumps(told)}, [])
        api.db.commit()
        if not runs:
            assert 'data-version="0.0"' in browser.get(f"/console/executions/{number}").text
    path = f"/console/executions/{number}/now?since="
    changes = {since: browser.get(path + since).text for since in ("0.0", "0.1", "3.0", "", "x")}
    assert re.findall(r'data-node="(\w+)"', changes["0.0"]) == ["Start", "Nothing"]
    assert 'data-version="0.1"' in changes["0.0"]
    assert "7 items" in changes["0.0"]
    assert re.findall(r'data-node="(\w+)"', changes["0.1"]) == ["Nothing"]
    assert "7 items" not in changes["0.1"]
    assert all('id="live-state"' in changes[since] for since in ("3.0", "", "x"))
    assert not any('id="live-state"' in changes[since] for since in ("0.0", "0.1"))
    monkeypatch.setattr("app.console.graph.MAX_NODES", 1)  # which nodes are drawn may change with each run
    assert 'id="live-state"' in browser.get(path + "0.0").text


@pytest.mark.parametrize(
    ("waiting", "until", "said"),
    [
        (node("A <b>", "x.slack", {"operation": "sendAndWait"}), None, "to what A &lt;b&gt; has asked, by a link"),
        (node("Ask", "x.slack", {"operation": "sendAndWait"}), 9, "without it <time"),
        (node("Ask", "@n8n/n8n-nodes-langchain.chat", {"operation": "sendAndWait"}), None, "a reply in the chat"),
        (node("Page", "form", {}), None, "the form of Page"),
        (node("Wait", "wait", {"resume": "webhook"}), None, "a call of the address"),
        (None, 9, "<dt>Goes on</dt><dd><time"),
    ],
)
def test_one_that_waits_says_what_for_and_how_it_is_given(browser, api, workflow, waiting, until, said):
    till = datetime.now(UTC) + timedelta(days=until) if until else datetime(3000, 1, 1, tzinfo=UTC)
    resumed = {"resume_on": "webhook", "waiting_node": orjson.dumps(waiting)} if waiting else {}
    number = api.ended(workflow, "waiting", wait_till=till, **resumed)
    page = browser.get(f"/console/executions/{number}").text
    assert said in page
    assert ("<dt>Goes on" in page) == bool(until)


def test_where_a_stopped_one_waited_it_was_stopped_and_nothing_failed(browser, api, workflow):
    waited = {**run([ITEM]), "executionStatus": "waiting"}
    data = orjson.dumps({"resultData": {"runData": {"Start": [waited]}, "lastNodeExecuted": "Start"}})
    number = api.ended(workflow, data=data)
    stopped = "UPDATE executions SET status = 'canceled', error_node = 'Start', error_message = 'By hand' WHERE id = %s"
    api.db.execute(stopped, [number])
    api.db.commit()
    page = browser.get(f"/console/executions/{number}").text
    assert 'aria-label="Start: stopped, leads to ' in page
    assert '<li class="s-canceled">' in page
    assert "Stopped at <strong>Start</strong>: By hand" in page
    assert "A retry goes on at the node that it had come to" in page


def test_one_execution_shows_its_graph_and_what_went_wrong(browser, failed):
    page = browser.get(f"/console/executions/{failed}").text
    assert 'aria-label="Nothing: failed"' in page
    assert "1 item" in page
    assert "could not be reached" in page
    assert f"/api/v1/executions/{failed}/retry'\">Copy as curl: retry it" in page
    part = browser.get(f"/console/executions/{failed}/now")
    assert part.headers["ETag"]
    missing = browser.get("/console/executions/999")
    assert (missing.status_code, "may have been deleted" in missing.text) == (404, True)
    assert browser.get("/console/executions/exec_1").status_code == 404


def test_a_node_shows_its_input_as_text_and_gives_its_files_away_as_files(browser, failed):
    panel = browser.get(f"/console/executions/{failed}/node?node=Nothing").text
    assert "&lt;script&gt;alert(1)" in panel
    assert "<script>" not in panel
    assert "Retry from Nothing" in panel
    for view, text in (("json", "&#34;text&#34;"), ("schema", ">text</td>"), ("table", "<th>text</th>")):
        assert text in browser.get(f"/console/executions/{failed}/items?node=Start&view={view}").text
    assert "None of them" in browser.get(f"/console/executions/{failed}/items?node=Start&search=zzz").text
    file = browser.get(f"/console/executions/{failed}/file?node=Start&name=data&look=true")
    assert file.data == b"<script>"
    assert file.headers["Content-Disposition"] == 'attachment; filename="x__.html"'
    assert file.content_type == "application/octet-stream"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert browser.get(f"/console/executions/{failed}/file?node=Start&name=other").status_code == 404
    assert browser.get(f"/console/executions/{failed}/node?node=Other").status_code == 404
    assert "Other" in browser.get(f"/console/executions/{failed}/items?node=Other&search=a").text


def test_all_that_a_node_started_are_linked(browser, api, workflow):
    ids = [str(number) for number in range(901, 908)]
    data = {"resultData": {"runData": {"Start": [{**run([{}]), "metadata": {"subExecutions": ids}}]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}"
    linked = [re.findall(r">#(9\d\d)</a>", browser.get(place + more).text) for more in ("", "/node?node=Start")]
    assert linked == [[*ids[:5], *ids[:5]], ids]  # in the head and in the timeline; in the panel
    head, _, timeline = browser.get(place).text.partition("</dl>")
    assert "Sub-executions" in head
    assert "and 2 more" in head
    assert "and 2 more" in timeline
    many = {"Start": [{**run([{}]), "metadata": {"subExecutions": [str(number) for number in range(901, 1001)]}}]}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps({'resultData': {'runData': many}}))}"
    assert browser.get(place).text.count("and at least 95 more") == 2  # a run names no more than the first hundred
    assert "#1000</a> and perhaps more" in browser.get(f"{place}/node?node=Start").text
    cut = {"runs": [{"subExecutions": ["1"]}], "lastRun": {"subExecutions": ["2", "1"]}}
    assert list_children({"nodes": [cut, {"runs": []}]}) == ["1", "2"]


@pytest.mark.parametrize(("runs", "ids", "told"), [(3, 6, "and 1"), (4, 6, "and at least 1"), (4, 5, "and perhaps")])
def test_executions_of_runs_that_are_not_shown_are_not_counted(browser, api, workflow, monkeypatch, runs, ids, told):
    monkeypatch.setattr(run_rendering, "MAX_RUNS", 2)
    started = {**run([{}]), "metadata": {"subExecutions": [str(number) for number in range(901, 901 + ids)]}}
    data = {"resultData": {"runData": {"Start": [started] * runs}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}"
    assert f'<span class="hint">{told} more</span>' in browser.get(place).text.partition("</dl>")[0]


def test_what_failed_in_a_sub_execution_leads_there(browser, api, workflow):
    child = api.ended(workflow, "error", error_message="The bank is closed")
    started = {"metadata": {"subExecution": {"executionId": str(child), "workflowId": "first"}}}
    data = {"resultData": {"runData": {"Nothing": [{**run(None, "The bank is closed"), **started}]}}}
    number = api.ended(
        workflow, "error", data=orjson.dumps(data), error_message="The bank is closed", error_node="Nothing"
    )
    link = f'told there. <a href="/console/executions/{child}">Execution #{child}</a>'
    assert link in browser.get(f"/console/executions/{number}").text
    assert link in browser.get(f"/console/executions/{number}/node?node=Nothing").text


def test_without_scripts_a_node_in_the_address_is_shown_and_pages_say_what_needs_them(browser, failed):
    place = f"/console/executions/{failed}"
    assert '<a href="?node=Nothing#node">a page with Nothing</a>' in browser.get(place).text
    page = browser.get(f"{place}?node=Start").text
    assert '<h2 id="node-name">Start</h2>' in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'hx-trigger="load"' not in page
    assert 'hx-trigger="load"' not in browser.get(f"{place}?node=Other").text
    for path in ("executions", "problems", "workflows", "engine-room"):
        assert "Without JavaScript this can be read" in browser.get(f"/console/{path}").text
    assert "<noscript><button>Apply" in browser.get("/console/workflows").text
    assert "Without JavaScript" not in browser.client.application.test_client().get("/console/sign-in").text


def test_expressions_are_evaluated_when_somebody_looks_at_them(browser, api):
    document = chain(node("Start", "manualTrigger"), node("Last", "noOp", {"said": "={{ $json.text }}!", "plain": "a"}))
    items = [ITEM, {"json": {"text": {"deep": True}}}]
    data = {"resultData": {"runData": {"Start": [run(items)], "Last": [run(items, source="Start")]}}}
    number = api.ended(api.workflow(**document), data=orjson.dumps(data))
    assert "Expressions, with their values" not in browser.get(f"/console/executions/{number}/node?node=Start").text
    panel = browser.get(f"/console/executions/{number}/node?node=Last").text
    path = re.search(r'hx-get="([^"]+/parameters[^"]+)"', panel)[1].replace("&amp;", "&")
    shown = browser.get(path).text
    assert "<td>said</td>" in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;!" in shown
    assert "<script>" not in shown
    assert "For item 0 of 2" in shown
    assert "there is no item 9" in browser.get(f"{path}&item=9").text
    assert browser.get(path.replace(f"/{number}/", "/999/")).status_code == 404


def test_a_retry_shows_the_items_that_it_was_given_and_what_expressions_made_of_them(browser, api):
    document = chain(node("Start", "manualTrigger"), node("Last", "noOp", {"said": "={{ $json.text }}!"}))
    last = {**run([], source="Start"), "executionIndex": 1}
    others = {**last, "executionIndex": 2, "inputOverride": {"main": [[{"json": {"text": "<i>new"}}]]}}
    workflow = api.workflow(**document)
    original, number = (
        api.ended(workflow, data=orjson.dumps({"resultData": {"runData": {"Start": [run([ITEM])], "Last": runs}}}))
        for runs in ([last, last], [last, others])
    )
    page = f"/console/executions/{number}"
    told = "A retry gave it these items in place of those from"
    for place in ("node=Last", "node=Last&run=1"):
        panel = browser.get(f"{page}/node?{place}").text
        assert panel.count(told) == 1
        assert panel.count("&lt;i&gt;new") == 3  # as it is, and to be changed for another retry
    assert "&lt;i&gt;new!" in browser.get(f"{page}/parameters?node=Last&run=1&item=0").text
    for place in (f"{number}/node?node=Last&run=0", f"{number}/node?node=Start", f"{original}/node?node=Last"):
        assert told not in browser.get(f"/console/executions/{place}").text
    compared = browser.get(f"{page}/compare?with={original}").text
    assert compared.count("a retry gave it 1 item in place of its input") == 1
    assert compared.count('class="differs"') == 1


def test_runs_and_versions_are_compared(browser, api, workflow, failed):
    assert "has not succeeded yet" in browser.get(f"/console/executions/{failed}/compare").text
    other = api.ended(workflow, data=orjson.dumps({"resultData": {"runData": {"Start": [run([ITEM])]}}}))
    page = browser.get(f"/console/executions/{failed}/compare").text
    assert f"Compare #{failed} with #{other}" in page
    assert page.count("the same") == 1
    missing = browser.get(f"/console/executions/{failed}/compare?with=%23{10 * other}")
    assert missing.status_code == 404
    assert f"There is no execution #{10 * other}." in missing.text
    assert f"Compare #{failed} with #{other}" in missing.text, "the page stays, with its form"
    assert "Nothing has changed" in browser.get(f"/console/executions/{failed}/changes").text
    document = api.get("/workflows/first").json
    document["nodes"][1]["disabled"] = True
    changed = {name: document[name] for name in ("name", "nodes", "connections", "settings")}
    assert api.put("/workflows/first", changed).status_code == 200
    assert "&#34;disabled&#34;: true" in browser.get(f"/console/executions/{failed}/changes").text
    assert api.delete("/workflows/first").status_code == 200
    assert "not there any more" in browser.get(f"/console/executions/{failed}/changes").text


def test_the_tries_of_a_node_are_told_with_what_failed_and_how_long_it_waited(browser, api):
    document = chain(node("Start", "manualTrigger"), {**node("Last", "noOp"), "retryOnFail": True})
    tries = [{"startTime": 1, "executionTime": 20, "error": "<b>Busy"}, {"startTime": 1021, "executionTime": 3}]
    data = {"resultData": {"runData": {"Start": [run([])], "Last": [run([{}]) | {"metadata": {"tries": tries}}]}}}
    place = f"/console/executions/{api.ended(api.workflow(**document), data=orjson.dumps(data))}"
    shown = browser.get(f"{place}/node?node=Last").text
    assert "took 2 ms with 2 tries" in shown
    assert 'failed after 20 ms: <span class="why">&lt;b&gt;Busy</span>' in shown
    assert ("began 1.0 s later" in shown, "succeeded after 3 ms" in shown) == (True, True)
    assert "2 tries, the last one succeeded" in browser.get(place).text
    assert "tries" not in browser.get(f"{place}/node?node=Start").text
    data["resultData"]["runData"]["Last"][0]["executionStatus"] = "waiting"
    till = datetime(3000, 1, 1, tzinfo=UTC)
    number = api.ended(api.workflow(**document), "waiting", data=orjson.dumps(data), wait_till=till)
    ended = "UPDATE executions SET status = 'canceled', stopped_at = now(), wait_till = NULL WHERE id = %s"
    for change, tried, told in ((None, "waits", ", the last one waits"), (ended, "was ended", "")):
        if change is not None:
            api.db.execute(change, [number])
            api.db.commit()
        place = f"/console/executions/{number}"
        assert f"<strong>Try 2</strong> {tried} after 3 ms" in browser.get(f"{place}/node?node=Last").text
        assert f'<span class="sub">2 tries{told}</span>' in browser.get(place).text


@pytest.mark.parametrize(("message", "may_scroll"), [("W" * 121, True), ("a\n" * 9, True), ("a\nb", False)])
def test_the_keyboard_reaches_a_message_that_may_be_higher_than_its_box(browser, api, workflow, message, may_scroll):
    data = orjson.dumps({"resultData": {"runData": {"Nothing": [run(None, message)]}}})
    place = f"/console/executions/{api.ended(workflow, 'error', data=data, error_message=message)}"
    for address in (place, f"{place}/node?node=Nothing"):
        assert ('class="message" tabindex="0" role="region"' in browser.get(address).text) is may_scroll
