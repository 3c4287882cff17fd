"""What a programmed node of a package gets and gives, in a real package process."""

import json

import pytest

from tests.packages.running import PackageEngine, workflow_of
from tests.workflows import START, chain, node, workflow


def test_a_node_learns_of_itself_its_workflow_and_its_execution(packages: PackageEngine):
    code = """const typeofOf = (each) => typeof each; return [[{ json: {
      node: this.getNode().name, version: this.getNode().typeVersion, workflow: this.getWorkflow(),
      mode: this.getMode(),
      execution: this.getExecutionId(), zone: this.getTimezone(), on: this.continueOnFail(),
      items: this.getInputData().length,
      source: this.getInputSourceData().previousNode, expression: this.evaluateExpression('{{ $json.n * 2 }}', 0),
      missing: [this.evaluateExpression('{{ $json.m }}', 0), this.evaluateExpression('{{ null }}', 0)].map(typeofOf),
      proxy: this.getWorkflowDataProxy(0).$json.n, absent: this.getInputData(1),
    } }]]"""
    [given] = packages.script(code, settings={"onError": "continueRegularOutput"})
    assert given == {
        "node": "Node", "version": 1, "workflow": {"id": "w1", "name": "Sample", "active": False}, "mode": "manual",
        "execution": "1", "zone": "UTC", "on": True, "items": 1, "source": "Start", "expression": 2, "proxy": 1,
        "absent": [], "missing": ["undefined", "object"],
    }  # fmt: skip


def test_a_node_sees_what_expressions_see(packages: PackageEngine):
    """Of other nodes, of its own parameters with their defaults, and dates; and one by one only what it looks at."""
    code = """const { $, $node, $items, $parameter, $today, DateTime, ...rest } = this.getWorkflowDataProxy(1);
      const before = $('Before');
      return [[{ json: {
        all: before.all().length, first: before.first().json, item: before.item.json,
        matching: before.itemMatching(0).json, is: before.isExecuted, size: before.params.size,
        node: $node.Before.json, items: $items('Before')[1].json,
        mode: $parameter.mode, options: $parameter.options, input: rest.$input.item.json, run: rest.$runIndex,
        workflow: rest.$workflow.name, zone: $today.zoneName,
        date: DateTime.fromISO('2024-02-29').plus({ years: 1 }).toISODate(),
        expression: this.evaluateExpression('{{ $parameter.mode + $("Before").params.mode }}', 0),
      } }]]"""
    before = node("Before", "n8n-nodes-sample.script", {"code": "return [this.getInputData()]"})
    asking = node("Node", "n8n-nodes-sample.script", {"code": code, "outputs": 1})
    pinned = {"Start": [{"json": {"n": 1}}, {"json": {"n": 2}}]}
    settings = {"executionOrder": "v1", "timezone": "Asia/Tokyo"}
    outcome = packages.run(chain(START, before, asking, id="w1", name="Sample", pinData=pinned, settings=settings))
    [[item]] = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"]
    two = {"n": 2}
    assert item["json"] == {
        "all": 2, "first": {"n": 1}, "item": two, "matching": {"n": 1}, "is": True, "size": 1, "node": two,
        "items": two, "mode": "a", "options": {}, "input": two, "run": 0, "workflow": "Sample", "zone": "Asia/Tokyo",
        "date": "2025-02-28", "expression": "aa",
    }  # fmt: skip


def test_a_node_learns_of_the_nodes_around_it(packages: PackageEngine):
    code = """const names = (nodes) => nodes.map(({ name }) => name).join();
      return [[{ json: {
        parents: names(this.getParentNodes('Node')), near: names(this.getParentNodes('Node', { depth: 1 })),
        children: names(this.getChildNodes('A')), none: names(this.getChildNodes('No such node')),
        whole: this.getParentNodes('A', { includeNodeParameters: true }),
        tools: this.getParentNodes('Node', { connectionType: 'ai_tool' }),
      } }]]"""
    nodes = [node(name, "n8n-nodes-base.noOp") for name in ("A", "B", "C", "End")]
    asking = node("Node", "n8n-nodes-sample.script", {"code": code})
    lines = [("Start", "A"), ("A", "B"), ("A", "C"), ("B", "Node"), ("C", "Node"), ("Node", "End")]
    outcome = packages.run(workflow([START, *nodes, asking], *lines, id="w1", settings={"executionOrder": "v1"}))
    [[item]] = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"]
    start = {"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "disabled": False}
    assert item["json"] == {
        "parents": "Start,A,C,B", "near": "C,B", "children": "End,Node,C,B", "none": "", "tools": [],
        "whole": [{**start, "parameters": {}}],
    }  # fmt: skip


def test_items_keep_their_pairing_files_and_errors(packages: PackageEngine):
    code = """const file = await this.helpers.prepareBinaryData(Buffer.from('a,b'), 'folder/rows.csv');
      const made = this.helpers.returnJsonArray([{ a: 1 }]);
      const one = this.helpers.constructExecutionMetaData(made, { itemData: { item: 1 } });
      const lost = new Error('lost');
      const [{ json }] = this.helpers.normalizeItems([{ binary: {}, c: 3 }]);
      one[0].json.c = json.c;
      return [[...one, { json: { b: 2 }, binary: { data: file }, pairedItem: 0 }, { json: {}, error: lost }]]"""
    outcome = packages.run(workflow_of("script", {"code": code}, [{"n": 1}, {"n": 2}]))
    one, two, three = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"][0]
    assert one == {"json": {"a": 1, "c": 3}, "pairedItem": {"item": 1}}
    assert two["pairedItem"] == 0
    assert {name: two["binary"]["data"][name] for name in ("data", "mimeType", "fileName", "fileExtension")} == {
        "data": "YSxi", "mimeType": "text/csv", "fileName": "rows.csv", "fileExtension": "csv",
    }  # fmt: skip
    assert (three["json"], three["error"]["message"]) == ({"error": "lost"}, "lost")


THROWN = {
    "a timer": "setTimeout(() => { throw new Error('lost') }, 1)",
    "an event": "setImmediate(() => new (require('events').EventEmitter)().emit('error', new Error('lost')))",
    "a step of another promise": "Promise.resolve().then(() => setImmediate(() => { throw new Error('lost') }))",
}


@pytest.mark.parametrize("where", THROWN)
def test_what_nobody_catches_fails_the_call_at_once(packages: PackageEngine, where):
    error = packages.script(f"{THROWN[where]}; await new Promise(() => {{}})")
    assert error["message"] == "lost"
    assert packages.script("return [[{ json: { fine: true } }]]") == [{"fine": True}]


def test_errors_leave_after_all_outputs_that_the_parameters_give(packages: PackageEngine):
    code = "return [[{ json: { a: 1 } }], [{ json: { b: 2 } }, { json: { error: 'lost' } }], []]"
    settings = {"onError": "continueErrorOutput"}
    outcome = packages.run(workflow_of("script", {"code": code, "outputs": "={{ 2 + $json.n }}"}, **settings))
    outputs = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"]
    assert [[item["json"] for item in items] for items in outputs] == [
        [{"a": 1}], [{"b": 2}], [], [{"error": "lost"}],
    ]  # fmt: skip


def test_a_lone_item_of_a_lone_output_is_the_first_s(packages: PackageEngine):
    def pairs(returned: str) -> list[object]:
        parameters = {"code": f"return {returned}", "outputs": 2}
        outcome = packages.run(workflow_of("script", parameters, [{"n": 1}, {"n": 2}]))
        outputs = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"]
        return [item.get("pairedItem") for items in outputs for item in items]

    assert pairs("[[{ json: {} }]]") == [{"item": 0}]
    assert pairs("[[{ json: {} }], [{ json: {} }]]") == [None, None]


def test_items_keep_what_they_are_paired_with(packages: PackageEngine):
    given = "[{ json: { a: 1 } }, { json: {}, pairedItem: 3 }]"
    made = f"this.helpers.constructExecutionMetaData({given}, {{ itemData: {{ item: 1 }} }})"
    assert packages.script(f"return [[{{ json: {{ made: {made} }} }}]]")[0]["made"] == [
        {"json": {"a": 1}, "pairedItem": {"item": 1}},
        {"json": {}, "pairedItem": 3},
    ]


def test_the_older_helper_tells_what_a_service_said_as_it_was_asked_to(packages: PackageEngine, far: str):
    code = f"""const ask = (options) => this.helpers.request({{ uri: '{far}/error-nested', ...options }});
      const said = (options) => ask(options).catch((error) => error.error);
      return [[{{ json: {{ text: await said({{}}), parsed: await said({{ json: true }}) }} }}]]"""
    body = {"error": {"message": "Nested", "code": 7}}
    assert packages.script(code) == [{"text": json.dumps(body), "parsed": body}]


def test_files_of_items_are_read(packages: PackageEngine):
    code = """const file = await this.helpers.prepareBinaryData(Buffer.from('hello'), 'a.txt');
      this.getInputData()[0].binary = { data: file };
      const bytes = await this.helpers.getBinaryDataBuffer(0, 'data');
      let none; try { this.helpers.assertBinaryData(0, 'other') } catch (error) { none = error.message }
      return [[{ json: { text: bytes.toString(), about: await this.helpers.getBinaryMetadata(file), none } }]]"""
    [given] = packages.script(code)
    assert given["text"] == "hello"
    assert given["about"] == {"fileName": "a.txt", "mimeType": "text/plain", "fileSize": 5}
    assert given["none"] == "The item has no binary field 'other' [item 0]"


def test_an_error_stands_in_run_data_as_the_package_made_it(packages: PackageEngine, far: str):
    code = f"""const {{ NodeApiError }} = require('n8n-workflow');
      try {{ await this.helpers.httpRequest({{ url: '{far}/error-nested' }}) }}
      catch (error) {{
        throw new NodeApiError(this.getNode(), error, {{ description: 'It said no', itemIndex: 0 }})
      }}"""
    error = packages.script(code)
    assert {name: error[name] for name in ("name", "message", "description", "httpCode", "context", "messages")} == {
        "name": "NodeApiError",
        "message": "Your request is invalid or could not be processed by the service",
        "description": "Nested",
        "httpCode": "422",
        "context": {"itemIndex": 0, "data": {"error": {"message": "Nested", "code": 7}}},
        "messages": ["Request failed with status code 422"],
    }
    assert error["node"]["name"] == "Node"
    assert packages.script("throw 'a text'")["message"] == "a text"
    plain = packages.script("throw Object.assign(new Error('m'), { description: 'why', httpCode: '404' })")
    assert (plain["message"], plain["description"], plain["httpCode"]) == ("m", "why", "404")
    assert packages.script("return 5")["message"] == "The node returned no list of outputs"


def test_the_engine_retries_and_goes_on_after_errors(packages: PackageEngine):
    code = "globalThis.tried = (globalThis.tried ?? 0) + 1; if (globalThis.tried < 3) throw new Error('not yet'); " \
        "return [[{ json: { tried: globalThis.tried } }]]"  # fmt: skip
    assert packages.script(code, settings={"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 1}) == [{"tried": 3}]
    code = """const [one, zero] = [{ pairedItem: { item: 0 } }, { pairedItem: 0 }];
      return [[{ json: { error: 'this one' }, ...one }, { json: { fine: 1 }, ...one },
        { json: { error: 'that' }, ...zero }, { json: { error: 'so', details: 1 } },
        { json: { a: 1 }, error: new Error('bad'), ...one }]]"""
    outcome = packages.run(workflow_of("script", {"code": code}, onError="continueErrorOutput"))
    passed, failed = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"]
    assert [item["json"] for item in passed] == [{"fine": 1}]
    assert [item["json"] for item in failed] == [
        {"n": 1, "error": "this one"}, {"error": "that"}, {"error": "so", "details": 1}, {"error": "bad"},
    ]  # fmt: skip


UNREADABLE = "The node has failed with an error that cannot be read"
ODD_ENDS = [
    ("throw { get message() { throw new Error('x') } }", UNREADABLE),
    ("throw { message: Object.create(null) }", UNREADABLE),
    ("throw Object.assign(new Error('m'), { level: 5n, stack: { toString() { throw 1 } } })", UNREADABLE),
    ("throw Object.assign(new Error('m'), { level: 5n, code: Symbol('x'), status: { toJSON() { throw 1 } } })", "m"),
    ("return Array(1_001).fill([])", "The node returned more than 1,000 outputs, the most that one may have"),
    ("return [[{ json: { get a() { throw new Error('unreadable') } } }]]", "unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message"), ODD_ENDS)
def test_a_node_that_ends_oddly_fails_at_once(packages: PackageEngine, code, message):
    assert packages.script(code)["message"] == message


def test_what_json_cannot_hold_is_put_in_words(packages: PackageEngine):
    """As in n8n; the same object twice is no circle."""
    code = "const a = { big: 5n }; a.self = a; const b = { c: 1 }; return [[{ json: { a, b, again: [b] } }]]"
    [found] = packages.script(code)
    circle = "[Circular Reference]"
    assert found == {"a": {"big": "5", "self": circle}, "b": {"c": 1}, "again": [{"c": 1}]}


def test_static_data_hints_and_custom_data_are_kept(packages: PackageEngine):
    code = """const data = this.getWorkflowStaticData('node'); data.count = (data.count ?? 0) + 1;
      this.addExecutionHints({ message: 'Look', location: 'outputPane' }); this.customData.set('key', 'value');
      this.logger.info('a line'); return [[{ json: { count: data.count } }]]"""
    outcome = packages.run(workflow_of("script", {"code": code}), static_data={"node:Node": {"count": 4}})
    run = outcome.data["resultData"]["runData"]["Node"][0]
    assert run["data"]["main"][0][0]["json"] == {"count": 5}
    assert run["hints"] == [{"message": "Look", "location": "outputPane"}]
    assert run["metadata"]["console"] == ["info: a line"]
    assert outcome.static_data == {"node:Node": {"count": 5}}
    assert outcome.custom_data == {"key": "value"}


def test_a_node_waits_and_its_input_goes_on(packages: PackageEngine):
    code = "await this.putExecutionToWait(new Date('2090-01-01T00:00:00Z')); return [this.getInputData()]"
    outcome = packages.run(workflow_of("script", {"code": code}))
    assert (outcome.status, outcome.wait_till.year, outcome.resume_on) == ("waiting", 2090, None)
    code = "await this.putExecutionToWait(new Date('3000-01-01T00:00:00Z')); return [this.getInputData()]"
    assert packages.run(workflow_of("script", {"code": code})).resume_on == "webhook"


def test_versions_are_programs_of_their_own(packages: PackageEngine):
    given = {}
    for version in (1, 2, 2.1):
        outcome = packages.run(workflow_of("echo", {}, typeVersion=version))
        given[version] = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"][0][0]["json"]
    assert given == {1: {"n": 1, "mark": "seen"}, 2: {"version": 2}, 2.1: {"version": 2.1}}


def test_another_workflow_is_run_by_the_engine(packages: PackageEngine):
    child = workflow([node("In", "executeWorkflowTrigger")])
    code = f"""const code = {json.dumps(child)};
      const {{ data }} = await this.executeWorkflow({{ code }}, [{{ json: {{ given: 1 }} }}]);
      return data"""
    assert packages.script(code) == [{"given": 1}]
