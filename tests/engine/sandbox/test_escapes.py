"""Hostile expressions: they must find no way to the host, and leave nothing behind for the next one."""

import pytest

from app.engine.sandbox import ExpressionError, SandboxError
from tests.engine.sandbox.conftest import SCOPE


@pytest.mark.parametrize(
    "expression",
    [
        "(x => x)['const' + 'ructor']('return process')()",
        "({})['const' + 'ructor']['const' + 'ructor']('return this')()",
        "(function* () {})['const' + 'ructor']('yield process')().next().value",
        "$now['const' + 'ructor']['const' + 'ructor']('return process')()",
        "process.binding('fs')",
        "process.mainModule.require('fs')",
        "globalThis.process.exit()",
        "require('fs').readFileSync('/etc/passwd')",
        "fetch('http://127.0.0.1')",
        "new WebAssembly.Module(new Uint8Array(8))",
        "Error['prepareStack' + 'Trace'] = (e, frames) => frames[0].getThis()",
        "new Function('return process')()",
        "eval('process')",
        "setTimeout(() => 1)",
        "(() => { Object.defineProperty($now.zone, 'offset', {value: () => 60}); return 1 })()",
        "(() => { $now.zone.offset = () => 60; return 1 })()",
        "(() => { Math.max = () => 5; return 1 })()",
        "(() => { Array['proto' + 'type'].leak = 1; return 1 })()",
        "(() => { [].concat.leak = 1; return 1 })()",
        "(() => { Object.defineProperty(Object['proto' + 'type'], 'leak', {value: 1}); return 1 })()",
        "(() => { $jmespath.leak = 1; return 1 })()",
        "(() => { DateTime['proto' + 'type'].toISO = () => 'x'; return 1 })()",
        "(() => { new Intl.DateTimeFormat('en').format = () => 'x'; return 1 })()",
        "RegExp.$1",
        "Array.fromAsync([1])",
    ],
)
def test_an_expression_gets_nothing(expression, evaluate):
    assert evaluate("={{ " + expression + " }}") is None


@pytest.mark.parametrize(
    "expression",
    [
        "import('fs')",
        "(() => import('fs'))()",
        "`${import('fs')}`",
        "import.meta",
        "async () => 1",
        "(async function* () {})()",
        "(x => x).constructor('return process')()",
        "(x => x)['constructor']('return process')()",
        "$json.__proto__.leak = 1",
        "String.prototype.leak = 1",
        "Object.setPrototypeOf($json, null)",
        "1 }) ; process.exit(",
        "1) + (1",
        "1\n); process.exit(",
        "/* */ */ 1",
    ],
)
def test_an_expression_is_refused(expression, evaluate):
    assert isinstance(evaluate("={{ " + expression + " }}"), ExpressionError)


def test_results_nested_too_deeply_are_refused(engine):
    template = "={{ (() => { let o = {}; for (let i = 0; i < 3000; i++) o = {o}; return o })() }}"
    with pytest.raises(SandboxError):
        engine.wait_for(engine.sandbox.evaluate([template], SCOPE))


@pytest.mark.parametrize(
    "expression",
    [
        "(({['const' + 'ructor']: c}) => c('return 1')())(x => x)",
        "((...[{['const' + 'ructor']: c}]) => c('return 1')())(() => 1)",
        "Object.getOwnPropertyDescriptor((() => 1)['__pro' + 'to__'], 'const' + 'ructor').value('return 1')()",
        "(class { static x = this['const' + 'ructor']('return 1')() }).x",
        "(class { static { this['const' + 'ructor']('return 1')() } }, (() => 1)['const' + 'ructor']('return 1')())",
        "`${{ toString: (() => 1)['const' + 'ructor']('return 1') }}`",
        "[1].map((0, (() => 1)['const' + 'ructor'])('return 1'))",
        "JSON.parse('[1]', (x => x)['const' + 'ructor']('return 1'))[0].x",
        "'a'.replace(/a/, (x => x)['const' + 'ructor']('return 1'))",
        "\\u0067lobalThis.process.exit()",
        "\\u{67}lobalThis.process.exit()",
        "Symbol['proto' + 'type'].constructor.x.y",
        "(() => { Symbol.for = () => 1; return 1 })()",
        "(() => { Symbol.keyFor['leak'] = 1; return 1 })()",
        "(() => { Map['proto' + 'type'].has = () => true; return 1 })()",
        "(() => { [][Symbol.iterator] = null; Iterator['proto' + 'type'].map = 1; return 1 })()",
        "new Uint8Array(new SharedArrayBuffer(8))",
        "new WeakRef({}).deref()",
        "new FinalizationRegistry(() => 1).register({}, 1).x",
        "Atomics.wait(new Int32Array(8), 0, 0)",
        "(() => { $json['const' + 'ructor']['assign'] = 1; return 1 })()",
    ],
)
def test_more_that_an_expression_does_not_get(expression, evaluate):
    given = evaluate("={{ " + expression + " }}")
    assert given is None or isinstance(given, ExpressionError)


@pytest.mark.parametrize(
    "expression",
    [
        "\\u0061sync () => 1",
        "\\u0069mport('fs')",
        "im\\u0070ort('fs')",
        "(() => { import.meta })()",
        "(() => { class A { static { await 1 } } })()",
        "import.source('fs')",
        "(() => { for await (const x of []) ; })()",
        "new (class { async x() {} })",
        "({ async *x() {} })",
        "(() => { with ($json) n })()",
    ],
)
def test_more_expressions_that_are_refused(expression, evaluate):
    assert isinstance(evaluate("={{ " + expression + " }}"), ExpressionError)
