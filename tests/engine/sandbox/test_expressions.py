"""What expressions mean: n8n's templates, variables, methods and errors, as a real n8n answers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.engine.sandbox import ExpressionError
from tests.engine.running import Engine
from tests.engine.sandbox.scopes import ADA, BOB, scope

RECORDED = json.loads((Path(__file__).parent / "expressions.json").read_text())


@pytest.fixture
def evaluate(engine: Engine):
    def evaluate(template: str, given: dict[str, Any] | None = None) -> Any:
        return engine.wait_for(engine.sandbox.evaluate([template], given or scope()))[0][0]

    return evaluate


@pytest.fixture
def error_of(evaluate):
    def error_of(template: str, given: dict[str, Any] | None = None) -> ExpressionError:
        with pytest.raises(ExpressionError) as caught:
            evaluate(template, given)
        return caught.value

    return error_of


def with_day(expected: Any, day: str) -> Any:
    return expected.replace("{today}", day) if isinstance(expected, str) else expected


@pytest.mark.parametrize("group", RECORDED)
def test_gives_what_n8n_gave(group, evaluate):
    """Recorded with a real n8n in a text field: whole templates, and of expressions what JSON.stringify() gives.

    `{today}` in what was recorded stands for the day on which it was, in the zone of its group.
    """
    item = {"n": 7, "s": "hello world", "a": [3, 1, 2], "o": {"k": 1}, "z": None, "d": "2024-02-19T10:30:00.000Z"}
    given = {**scope(item), "timezone": RECORDED[group]["zone"]}
    different = {}
    for recorded, expected in RECORDED[group]["cases"]:
        template = recorded if group == "templates" else "={{ JSON.stringify(" + recorded + ") ?? 'undefined' }}"
        days = [evaluate("={{ $today.toISODate() }}", given)]
        try:
            value = evaluate(template, given)
        except ExpressionError as error:
            value = {"error": error.message}
        else:
            if value is not None and not isinstance(value, str):
                value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        days.append(evaluate("={{ $today.toISODate() }}", given))  # another one when midnight has passed
        if value not in [with_day(expected, day) for day in days]:
            different[recorded] = (value, expected)
    assert not different


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("=Hello {{ $json.name }}!", "Hello Ada!"),
        ("={{ $json.n }}", 7),
        ("={{ $json.tags }}", ["b", "a"]),
        ("={{ $json.o }}", {"k": 1}),
        ("={{ $json.n }} and {{ $json.ok }} and {{ $json.tags }}", "7 and true and b,a"),
        ("=obj {{ $json.o }}", "obj [object Object]"),
        ("=null:{{ $json.none }} undef:{{ $json.nope }} nan:{{ NaN }} zero:{{ 0 }}", "null: undef: nan: zero:0"),
        ("=a {{ $json.nope.deep }} b {{ 1 }}", "a  b 1"),
        ("=literal only", "literal only"),
        ("={{ '{{' }}x", "{{x"),
        ("=  {{ 1 }}", "  1"),
        ("=a\n{{ 1 }}\n", "a\n1\n"),
        ("=a {{ 1 ", "a 1"),
        ("=a }} b", "a }} b"),
        ("=\\{{ 1 }}", "\\{{ 1 }}"),
        ("={{ $json.n; }}", 7),
        ("={{ $json.n // why }}", 7),
        ("={{ {a: 1} }}", {"a": 1}),
        ("={{ $json.n, 3 }}", 3),
        ("=x {{ new Date(0) }}", "x Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"),
    ],
)
def test_template(template, value, evaluate):
    assert evaluate(template) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("DateTime.fromMillis(0).toUTC()", "1970-01-01T00:00:00.000Z"),
        ("[undefined, NaN, 1/0]", [None, None, None]),
        ("new Map([[1, 2]])", {}),
        ("10n", "10"),
        ("[10n]", ["10"]),
        ("'\\ud800'", "\ufffd"),
        ("['\\ud83d\\ude00', '\\\\ud800', '\\udc00x']", ["😀", "\\ud800", "\ufffdx"]),
        ("foo", None),
        ("typeof foo", "undefined"),
        ("$json.nope.deep", None),
        ("(() => { throw new Error('custom') })()", None),
        ("x = 5", 5),
        ("typeof process + typeof require + typeof globalThis.process", "objectobjectundefined"),
    ],
)
def test_value_leaves_as_json(expression, value, evaluate):
    assert evaluate("={{ " + expression + " }}") == value


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("={{ $json. }}", "invalid syntax"),
        ("={{ }}", "invalid syntax"),
        ("=a{{}}b", "invalid syntax"),
        ("={{ const x = 1; x }}", "invalid syntax"),
        ("={{ return 1 }}", "invalid syntax"),
        ("={{ {a: {b: 1}} }}", "invalid syntax"),
        ("={{ '}}' }}", "invalid syntax"),
        ("={{ function() { return 1 }() }}", "invalid syntax"),
        ("={{ class {} }}", "invalid syntax"),
        ("={{ $('Nope').item }}", "Referenced node doesn't exist"),
        ("=a {{ $node['Nope'].json }} b", "Referenced node doesn't exist"),
        ("={{ $('Later').first() }}", "Node 'Later' hasn't been executed"),
        ("={{ $node['Later'].json }}", "Node 'Later' hasn't been executed"),
        ("={{ $items('Later') }}", "Node 'Later' hasn't been executed"),
        ("={{ $('Later').item }}", "Invalid expression"),
        ("={{ $env.PATH }}", "access to env vars denied"),
        ("={{ $ }}", 'Cannot access "$" without calling it as a function'),
        ("={{ arguments.length }}", 'Cannot access "arguments" due to security concerns'),
        ("={{ $json.constructor }}", "Expression contains invalid constructor function call"),
        ("={{ $json.__proto__ }}", 'Cannot access "__proto__" due to security concerns'),
        ("={{ import('fs') }}", "Imports are not supported"),
        ("={{ Symbol('x') }}", "Expression evaluation failed: Unsupported type"),
        ("={{ () => 1 }}", "Expression evaluation failed: () => 1 could not be cloned."),
        ("={{ (x=>x) }}", "Expression evaluation failed: x=>x could not be cloned."),
        ("={{ [Symbol('x')] }}", "Expression evaluation failed: Symbol(x) could not be cloned."),
        (
            "={{ [new Set([1])[Symbol.iterator]()] }}",
            "Expression evaluation failed: [object Set Iterator] could not be cloned.",
        ),
        (
            "={{ (() => { const a = {}; a.a = a; return a })() }}",
            "Expression evaluation failed: Maximum call stack size exceeded",
        ),
        ("={{ $if(true) }}", "invalid syntax"),
        (
            "={{ $fromAI('a b') }}",
            "Invalid parameter key, must be between 1 and 64 characters long and only contain "
            "lowercase letters, uppercase letters, numbers, underscores, and hyphens",
        ),
        ("=x{{ Object.create(null) }}", "Expression evaluation failed: Cannot convert object to primitive value"),
        ("={{ $jmespath('a', $json) }}", "expected two arguments (Object, string) for this function"),
        ("={{ $('Start').itemMatching() }}", "Missing item index for .itemMatching()"),
        ("={{ $('Start').itemMatching(9) }}", "Can’t get data for expression"),  # noqa: RUF001
    ],
)
def test_error_that_fails_the_node(template, message, error_of):
    assert error_of(template).message == message


def test_error_names_the_item_that_failed(error_of):
    error = error_of("={{ $json.n === 12 ? $('Nope').first() : 1 }}", scope(ADA, BOB))
    assert (error.item_index, error.kind, error.node_name) == (1, "node_missing", "Nope")


def test_variables_of_every_item(engine):
    templates = [
        "={{ $itemIndex }}",
        "={{ $input.item.json.n + $input.first().json.n + $input.last().json.n + $input.all().length }}",
        "={{ $('Start').item.json.name + $('Start').all()[1].json.name }}",
        "={{ $node['Start'].json.n + $node.Start.json.n }}",
        "={{ $items('Start').length + $items().length }}",
        "={{ $if($json.n > 10, 'big', 'small') + $ifEmpty($json.tags, 'none') + $max(1, $json.n) + $min(1, 2) }}",
        "={{ $jmespath($json, 'o.k') }}",
    ]
    assert engine.wait_for(engine.sandbox.evaluate(templates, scope(ADA, BOB))) == [
        [0, 7 + 7 + 12 + 2, "AdaBob", 14, 4, "smallb,a71", 1],
        [1, 12 + 7 + 12 + 2, "BobBob", 24, 4, "bignone121", None],
    ]


def test_variables_of_the_run(evaluate):
    given = scope(
        node={"name": "Out", "type": "set", "version": 3.4, "id": "9", "parameters": {"p": 1}},
        prevNode={"name": "Start", "outputIndex": 1, "runIndex": 2, "parameters": {"q": 2}},
        runIndex=3,
        workflow={"id": "w1", "name": "My workflow", "active": True},
        execution={"id": "42", "mode": "manual", "startedBy": "manual", "resumeUrl": "http://r"},
        vars={"v": "w"},
    )
    template = (
        "={{ [$runIndex, $nodeVersion, $nodeId, $parameter.p, $prevNode, $workflow, $execution.id, $execution.mode,"
        " $execution.resumeUrl, $vars.v, $input.params.q, $('Start').isExecuted, $('Later').isExecuted, $mode] }}"
    )
    assert evaluate(template, given) == [
        3,
        3.4,
        "9",
        1,
        {"name": "Start", "outputIndex": 1, "runIndex": 2},
        {"id": "w1", "name": "My workflow", "active": True},
        "42",
        "manual",
        "http://r",
        "w",
        2,
        True,
        False,
        "manual",
    ]


def test_paired_items_lead_to_any_run_and_output(evaluate, error_of):
    runs = [[[{"json": {"v": "a"}}], [{"json": {"v": "b"}}]], [[{"json": {"v": "c"}}, {"json": {"v": "d"}}]]]
    given = scope(ADA, BOB, ADA)
    given["nodes"]["IF"] = {"runs": runs, "paired": [[0, 1, 0], [1, 0, 1], "Paired item data is unavailable"]}
    values = "={{ $('IF').itemMatching(0).json.v + $('IF').itemMatching(1).json.v + $('IF').item.json.v }}"
    assert evaluate(values, {**given, "itemIndexes": [0]}) == "bdb"
    assert evaluate("={{ $('IF').all().map(i => i.json.v).join() + $('IF').first(1, 0).json.v }}", given) == "c,db"
    assert error_of("={{ $('IF').item.json.v }}", given).message == "Paired item data is unavailable"


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 10), ("Asia/Tokyo", 19), ("No/Such", 10)])
def test_dates_are_in_the_workflows_zone(zone, hour, evaluate):
    given = scope(timezone=zone)
    assert evaluate("={{ DateTime.fromISO('2024-02-19T10:30:00Z').hour }}", given) == hour
    assert evaluate("={{ (1708338600000).toDateTime().hour }}", given) == hour
    assert evaluate("={{ $today.hour + $now.diff($today, 'hours').hours < 25 }}", given) is True


def test_now_is_what_the_clock_of_this_machine_says(evaluate):
    before = datetime.now(UTC)
    now = datetime.fromisoformat(evaluate("={{ $now.toISO() }}"))
    assert before - timedelta(milliseconds=1) <= now <= datetime.now(UTC)


def test_numbers_and_text_that_only_javascript_can_hold(evaluate):
    assert evaluate("={{ $json.n > 1e29 }}", scope({"n": 10**30})) is True
    assert evaluate("={{ $json.s.length }}", scope({"s": "\ud800x"})) == 2
    assert evaluate("={{ $json.n }}", scope({"n": 2**53})) == 2**53
