"""The items of a node on the page of one execution: rounds, views, searches, and pages without scripts."""

import base64
import re
from html import unescape

import orjson

from tests.console.given_runs import ITEM, run


def test_rounds_are_gone_to_by_their_number(browser, api, workflow):
    data = {"resultData": {"runData": {"Start": [run([{"json": {"round": n}}]) for n in range(40)]}}}
    place = f"/console/executions/{api.ended(workflow, data=orjson.dumps(data))}/node?node=Start"
    assert 'max="40" value="40"' in browser.get(place).text
    for asked, shown in (("round=17", 17), ("run=16", 17), ("round=0", 1), ("round=99", 40), ("round=x", 1)):
        assert f'max="40" value="{shown}"' in browser.get(f"{place}&{asked}").text, asked


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
