"""The page of one execution: its graph, its nodes and files, what it waits for, its comparison."""

import base64
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import orjson
import pytest

from app.repository import execution_progress
from tests.workflows import chain, node

ITEM = {
    "json": {"text": "<script>alert(1)</script>"},
    "binary": {"data": {"fileName": "x\r\n.html", "mimeType": "text/html"}},
}
ITEM["binary"]["data"]["data"] = base64.b64encode(b"<script>").decode()


def run(items, error=None, source=None):
    made = {"startTime": 1, "executionTime": 2, "executionStatus": "error" if error else "success", "executionIndex": 0}
    made["source"] = [{"previousNode": source}] if source else []
    return {**made, "error": {"message": error, "name": "Error"}} if error else {**made, "data": {"main": [items]}}


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


def test_rounds_are_gone_to_by_their_number(browser, api, workflow):
    data = {"resultData": {"runData": {"Start": [run([{"json": {"round": n}}]) for n in range(40)]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}/node?node=Start"
    assert 'max="40" value="40"' in browser.get(place).text
    for asked, shown in (("round=17", 17), ("run=16", 17), ("round=0", 1), ("round=99", 40), ("round=x", 1)):
        assert f'max="40" value="{shown}"' in browser.get(f"{place}&{asked}").text, asked


def test_all_that_a_node_started_are_linked(browser, api, workflow):
    ids = [str(number) for number in range(901, 908)]
    data = {"resultData": {"runData": {"Start": [{**run([{}]), "metadata": {"subExecutions": ids}}]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}"
    linked = [re.findall(r">#(9\d\d)</a>", browser.get(place + more).text) for more in ("", "/node?node=Start")]
    assert linked == [ids[:5], ids]
    assert "and 2 more" in browser.get(place).text


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


def test_an_item_larger_than_a_page_is_shown_with_its_long_texts_cut(browser, api, workflow):
    binary = {**ITEM["binary"]["data"], "data": base64.b64encode(b"<script>" * 400_000).decode()}
    large = {"json": {"text": "ends with the Needle".rjust(100_000)}, "binary": {"data": binary}}
    nodes = {"Start": [run([{"json": {}}, large])], "Nothing": [run([], source="Start")]}
    data = orjson.dumps({"resultData": {"runData": nodes}})
    place = f"/console/executions/{api.ended(workflow, data=data)}"
    assert "long texts in it are cut here" not in browser.get(f"{place}/items?node=Start").text
    page = browser.get(f"{place}/items?node=Start&offset=1").text
    assert "long texts in it are cut here" in page
    assert "x__.html" in page
    assert len(page) < 5_000
    assert "1 found" in browser.get(f"{place}/items?node=Start&search=the needle").text
    assert "0 found" in browser.get(f"{place}/items?node=Start&search=the thread").text
    assert "it stays as it was" in browser.get(f"{place}/node?node=Nothing").text
    alone = orjson.dumps({"resultData": {"runData": {**nodes, "Start": [run([large])]}}})
    behind = f"/console/executions/{api.ended(workflow, data=alone)}/node?node=Nothing"
    assert "it stays as it was" in browser.get(behind).text, "what is cut is nothing to retry with"
    file = browser.get(f"{place}/file?node=Start&offset=1&name=data")
    pieces = list(file.iter_encoded())
    assert b"".join(pieces) == b"<script>" * 400_000
    assert max(map(len, pieces)) < 2**18
    assert browser.get(f"{place}/file?node=Start&offset=1&name=other").status_code == 404
    kept = {**binary, "data": "!" + binary["data"]}
    nodes["Start"][0]["data"]["main"][0][1] = {"json": {}, "binary": {"data": kept, "short": 7, "number": {"data": 7}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps({'resultData': {'runData': nodes}}))}"
    for name, status in (("data", 409), ("short", 404), ("number", 409)):
        assert browser.get(f"{place}/file?node=Start&offset=1&name={name}").status_code == status, name


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


def test_many_items_are_gone_through_from_any_of_them_and_searched_bit_by_bit(browser, api, workflow, monkeypatch):
    data = {"resultData": {"runData": {"Start": [run([{"json": {"n": f"<{n}>"}} for n in range(70)])]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}/items?node=Start"
    assert ">&lt;60&gt;<" in browser.get(f"{place}&offset=60").text
    last = browser.get(f"{place}&offset=9999").text
    assert 'value="45"' in last, "the last page, where more is asked for than there is"
    assert ">&lt;69&gt;<" in last
    monkeypatch.setattr("app.console.structures.MAX_SEARCHED", 20)
    monkeypatch.setattr("app.console.structures.SEARCHED_AT_ONCE", 10)
    search = browser.get(f"{place}&search=<33>").text
    assert "0 found in items 0 to 19" in search
    assert 'offset=20&amp;search=%3C33%3E" hx-target="closest .items">Search on<' in search
    assert 'data-search="&lt;33&gt;" data-offset="0" data-total="70" data-next="20"' in search
    assert "1 found in items 20 to 39" in browser.get(f"{place}&search=<33>&offset=20").text
    end = browser.get(f"{place}&search=zzz&offset=60").text
    assert "None of them contains that." in end
    assert 'data-next=""' in end
    monkeypatch.setattr("app.console.structures.MAX_SEARCHED_BYTES", 1)
    assert "0 found in items 0 to 9" in browser.get(f"{place}&search=<33>").text


def test_a_schema_is_of_many_items_and_names_each_place(browser, api, workflow, monkeypatch):
    monkeypatch.setattr("app.console.node_panel.OF_A_SCHEMA", 40)
    items = [{"json": {"n": n, **({"late": {"<i>'\"": 1}} if n == 39 else {})}} for n in range(70)]
    data = {"resultData": {"runData": {"Start": [run(items)]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}/items?node=Start&view=schema"
    page = browser.get(place).text
    assert 'data-total="70" data-next="40"' in page
    names = re.findall('data-field="([^"]+)"', page)
    assert [orjson.loads(unescape(name)) for name in names] == [["n"], ["late"], ["late", "<i>'\""]]
    assert "late" not in browser.get(f"{place}&offset=40").text


def test_pages_of_items_are_links_where_no_script_runs(browser, api, workflow):
    nodes = {"Start": [run([{"json": {"n": f"<{n}>"}} for n in range(70)])], "Nothing": [run([], source="Start")]}
    data = {"resultData": {"runData": nodes}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}"
    page = browser.get(f"{place}?node=Nothing&inputView=json").text
    [link] = re.findall(r'href="([^"]+)"[^>]*>After<', page)
    assert unescape(link) == "?node=Nothing&run=0&inputView=json&inputFrom=25#input-items"
    page = browser.get(place + unescape(link)).text
    assert re.findall('data-item="(\\d+)"', page)[:1] == ["25"]
    assert re.findall(r'href="([^"]+)"[^>]*>(Before|After)<', page) == [
        ("?node=Nothing&amp;run=0&amp;inputView=json&amp;inputFrom=0#input-items", "Before"),
        ("?node=Nothing&amp;run=0&amp;inputView=json&amp;inputFrom=50#input-items", "After"),
    ]


def test_outputs_and_views_are_links_where_no_script_runs(browser, api, workflow):
    two = [[{"json": {"first": 1}}], [{"json": {"second": n}} for n in range(30)]]
    data = {"resultData": {"runData": {"Start": [{**run([]), "data": {"main": two}}]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}"
    page = browser.get(f"{place}?node=Start").text
    links = {"Output 2 · 30 items": "<th>second</th>", "After": '<tr data-item="29">', "JSON": '<pre data-item="29">'}
    for text, shown in links.items():
        [link] = re.findall(f'href="([^"#]+)#output-items"[^>]*>{text}</a>', page)
        page = browser.get(place + unescape(link)).text
        assert shown in page


def test_after_an_item_that_no_list_can_show_the_next_ones_come(browser, api, workflow, monkeypatch):
    monkeypatch.setattr("app.console.large_items.MOST", 1_000)
    monkeypatch.setattr("app.repository.run_pages.PAGE_BYTES", 1_000)
    items = [{"json": {"rows": ["abc"] * 200_000}}, {"json": {"n": 1}}]
    data = orjson.dumps({"resultData": {"runData": {"Start": [run(items)]}}})
    number = api.ended(workflow, data=data)
    place = f"/console/executions/{number}/items?node=Start"
    page = browser.get(place).text
    assert '<p class="problem" data-item="0">This item is too large to be shown here.' in page
    assert 'data-total="2" data-next="1"' in page
    [link] = re.findall(r'href="([^"]+)" download="item-0.json"', page)
    assert browser.get(unescape(link)).json["items"] == items[:1]
    assert 'data-item="1"' in browser.get(f"{place}&offset=1").text


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
