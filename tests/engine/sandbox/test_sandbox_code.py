"""What a Code node's program means: its variables, what it may return, and how its errors read in n8n."""

from typing import Any

import pytest

from app.engine.sandbox import CodeError, CodeResult, SandboxError
from tests.engine.running import Engine

ITEMS = [{"json": {"n": 7, "s": "hello"}}, {"json": {"n": 8, "s": "two"}}]
NO_ITEMS = "Code doesn't return items properly"
NOT_AN_OBJECT = "A 'json' property isn't an object [item 0]"


def scope(**more: Any) -> dict[str, Any]:
    items = [{"json": dict(item["json"])} for item in ITEMS]
    nodes = {"Start": {"runs": [[items]], "paired": [[0, 0, 0], [0, 0, 1]]}}
    return {"items": items, "nodes": nodes, "nodeNames": ["Start", "Later"], "timezone": "UTC", **more}


@pytest.fixture
def run(engine: Engine):
    def run(source: str, given: dict[str, Any] | None = None, **options: Any) -> CodeResult:
        return engine.wait_for(engine.sandbox.run_code(source, given or scope(), **options))

    return run


@pytest.fixture
def error_of(run):
    def error_of(source: str, **options: Any) -> CodeError:
        with pytest.raises(CodeError) as caught:
            run(source, **options)
        return caught.value

    return error_of


def jsons(result: CodeResult) -> list[Any]:
    return [item["json"] for item in result.items]


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("return {a: 1}", [{"json": {"a": 1}}]),
        ("return [{a: 1}, {b: 2}]", [{"json": {"a": 1}}, {"json": {"b": 2}}]),
        ("return [{json: {a: 1}, pairedItem: 0}]", [{"json": {"a": 1}, "pairedItem": 0}]),
        ("return [{binary: {}}]", [{"json": {}, "binary": {}}]),
        ("return [{pairedItem: 1}]", [{"json": {"pairedItem": 1}}]),
        ("return [{error: 'x'}]", [{"json": {"error": "x"}}]),
        ("return {error: 'x', id: 1}", [{"json": {"error": "x", "id": 1}}]),
        ("return {json: null}", [{"json": {"json": None}}]),
        ("return null", []),
        ("return []", []),
        ("return [{}]", [{"json": {}}]),
        ("return items", ITEMS),
        ("return $input.all().slice(1)", ITEMS[1:]),
        ("return Promise.resolve({a: 1})", [{"json": {"a": 1}}]),
        ("return {x: await new Promise(r => setTimeout(() => r(3), 5))}", [{"json": {"x": 3}}]),
        ("x = 5; return {x}", [{"json": {"x": 5}}]),
        ("items[0].json.n = 1; return items[0]", [{"json": {"n": 1, "s": "hello"}}]),
        ("return {d: new Date(0), b: 10n, c: NaN, e: undefined, f: () => 1}",
         [{"json": {"d": "1970-01-01T00:00:00.000Z", "b": "10", "c": None}}]),
        ("return {s: '\\ud800x'}", [{"json": {"s": "\ufffdx"}}]),
    ],
)  # fmt: skip
def test_items_of_a_run_for_all(source, items, run):
    assert run(source).items == items


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("return [1]", NO_ITEMS),
        ("return 'x'", NO_ITEMS),
        ("return", NO_ITEMS),
        ("return [null]", NO_ITEMS),
        ("return [[{json: {}}]]", NO_ITEMS),
        ("return new Date(0)", NO_ITEMS),
        ("return [{json: 1}]", NOT_AN_OBJECT),
        ("return {json: []}", NOT_AN_OBJECT),
        ("return [{json: {a: 1}}, {b: 2}]", "Unknown top-level item key: b [item 1]"),
        ("return [{json: {a: 1}, foo: 1}]", "Invalid output format [item 0]"),
        ("throw new Error('no good')", "no good [line 1]"),
        ("\n\n null.x", "Cannot read properties of null (reading 'x') [line 3]"),
        ("function f() {\n throw new Error('in f')\n}\nreturn f()", "in f [line 2]"),
        ("await null; throw new Error('after')", "after [line 1]"),
        ("throw 'str'", '"str"'),
        ("throw null", "null"),
        ("throw undefined", "Unknown error"),
        ("throw new Error('')", "Unknown error [line 1]"),
        ("throw {message: 'obj'}", "obj"),
        ("throw {a: 1}", '{"a":1}'),
        ("return nope", "nope is not defined [line 1]"),
        ("'use strict'; y = 1", "y is not defined [line 1]"),
        ("return 'a'.toTitleCase()", '"a".toTitleCase is not a function [line 1]'),
        ("return require('fs')", "Module 'fs' is disallowed [line 1]"),
        ("return import('fs')", "A dynamic import callback was not specified."),
        ("return $('Nope').first()", "Referenced node doesn't exist"),
        ("return $('Later').first()", "Node 'Later' hasn't been executed"),
        ("return $env.PATH", "access to env vars denied"),
        ("const o = {}; o.o = o; return o", "Unknown error"),
        ("setTimeout(() => { throw new Error('late') }, 1); await new Promise(() => {})", "late [line 1]"),
    ],
)
def test_error_of_a_run_for_all(source, message, error_of):
    assert error_of(source).message == message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("return [ { json: }", "Unexpected token '}'"),
        ("const a = ;", "Unexpected token ';'"),
        ("return [{", "Unexpected end of input"),
        ("return items.map(i => {", "missing ) after argument list"),
        ("x => {", "Unexpected token '('"),
        ("return 1;\n}\nfoo() {", "Unexpected token '{'"),
        ("return 1;\n}\nvoid function () {", "Unexpected token 'void'"),
        ("import fs from 'fs'", "Cannot use import statement outside a module"),
    ],
)
def test_syntax_error(source, message, error_of):
    error = error_of(source)
    assert (error.message, error.description) == (message, "SyntaxError")


def test_error_says_where(error_of):
    error = error_of("\nif ($json.n > 7) throw new TypeError('bad')\nreturn item", each_item=True)
    assert (error.message, error.line, error.item_index, error.name) == ("bad [line 2]", 2, 1, "TypeError")


@pytest.mark.parametrize(
    ("source", "items"),
    [
        ("return {a: $json.n + $itemIndex}", [{"a": 7}, {"a": 9}]),
        ("return item", [ITEMS[0]["json"], ITEMS[1]["json"]]),
        ("$input.item.json.s = $json.n * 2; return $input.item", [{"n": 7, "s": 14}, {"n": 8, "s": 16}]),
        ("return {a: 1, json: {b: $('Start').item.json.n}}", [{"b": 7}, {"b": 8}]),
        ("return $itemIndex ? {a: 1} : null", [{"a": 1}]),
    ],
)  # fmt: skip
def test_items_of_a_run_for_each(source, items, run):
    result = run(source, each_item=True)
    assert jsons(result) == items
    assert [item["pairedItem"]["item"] for item in result.items] == [0, 1][-len(items) :]


@pytest.mark.parametrize("returned", ["5", "[{json: {}}]", "{json: 5}", "{json: null}", "new Date()"])
def test_run_for_each_needs_an_object(returned, error_of):
    assert error_of(f"return {returned}", each_item=True).message == NOT_AN_OBJECT


def test_run_for_each_can_go_on_after_an_error(run):
    result = run("if ($itemIndex === 0) throw new Error('no'); return item", each_item=True, continue_on_fail=True)
    assert jsons(result) == [{"error": "no [line 1]"}, {"n": 8, "s": "two"}]


def test_variables(run):
    given = scope(
        execution={"id": "42", "mode": "manual"},
        workflow={"id": "w", "name": "W"},
        vars={"v": 1},
        timezone="Asia/Tokyo",
    )
    source = """
      const start = $('Start');
      return {
        first: $input.first().json.n, last: $input.last().json.n, item: $input.item.json.n, n: $json.n,
        all: start.all().length, matching: start.itemMatching(1).json.n, executed: $('Later').isExecuted,
        execution: $execution.id + $execution.mode, workflow: $workflow.name, vars: $vars.v, index: $itemIndex,
        zone: $now.zoneName, hour: DateTime.fromISO('2024-02-19T10:30:00Z').hour, path: $jmespath({a: [1]}, 'a[0]'),
        legacy: $node.Start.json.n, items: $items('Start').length,
      };"""
    assert jsons(run(source, given)) == [
        {
            "first": 7, "last": 8, "item": 7, "n": 7, "all": 2, "matching": 8, "executed": False,
            "execution": "42manual", "workflow": "W", "vars": 1, "index": 0, "zone": "Asia/Tokyo", "hour": 19,
            "path": 1, "legacy": 7, "items": 2,
        }
    ]  # fmt: skip


def test_global_functions(run):
    source = """
      const bytes = new TextEncoder().encode('hé');
      let ticks = 0;
      await new Promise(done => {
        const timer = setInterval(() => { if (++ticks === 3) { clearInterval(timer); done() } }, 1);
      });
      await new Promise(done => setImmediate(done));
      clearTimeout(setTimeout(() => { ticks = -1 }, 1));
      return {
        base64: Buffer.from('hé').toString('base64'), hex: Buffer.from([255]).toString('hex'),
        decoded: new TextDecoder().decode(bytes), length: bytes.length, atob: atob('aGk='), btoa: btoa('hi'), ticks,
      };"""
    assert jsons(run(source)) == [
        {"base64": "aMOp", "hex": "ff", "decoded": "hé", "length": 3, "atob": "hi", "btoa": "aGk=", "ticks": 3}
    ]


def test_console_is_returned(run):
    source = "console.log('a', {b: 1}, null); console.error(new Error('e')); return []"
    assert run(source).console == ['a {"b":1} null', "Error: e\n    at workflowCode (workflow-code:1:47)"]


def test_what_a_program_keeps_reaches_the_caller(run):
    given = scope(staticData={"global": {"count": 1}})
    run("$getWorkflowStaticData('global').count++; $getWorkflowStaticData('node').x = 1; return []", given)
    run("$execution.customData.set('k', 'v'); return {got: $execution.customData.get('k')}", given)
    assert given["staticData"] == {"global": {"count": 2}, "node": {"x": 1}}
    assert given["customData"] == {"k": "v"}


def test_a_result_that_is_nested_too_deeply_is_refused(run):
    with pytest.raises(SandboxError):
        run("let o = {}; for (let i = 0; i < 3000; i++) o = {o}; return o")
