"""Hostile programs: they must find no way to the host, come to an end, and leave nothing behind for the next one."""

import subprocess

import pytest

from app.engine.sandbox import SandboxTimeout, process
from tests.engine.sandbox.conftest import SCOPE

NO_EVAL = "Code generation from strings disallowed for this context [line 1]"


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("return this.constructor.constructor('return process')()", NO_EVAL),
        ("return console.log.constructor('return process')()", NO_EVAL),
        ("return eval('process')", NO_EVAL),
        ("return process.env", "process is not defined [line 1]"),
        ("return (await import('fs'))", "A dynamic import callback was not specified."),
        ("return (await import/*x*/('fs'))", "A dynamic import callback was not specified."),
        ("return [{json: {a: 'import(1)', b: /import()/.source}}]", [{"a": "import(1)", "b": "import()"}]),
        ("<!-- import('fs')\nreturn {a: 1}", [{"a": 1}]),
        ("using x = null; return (await import('fs'))", "Imports are not supported"),
        ("imp\\u006frt('fs')", "Keyword must not contain escaped characters"),
        ("throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })", "Unknown error"),
        ("throw { get message() { throw 1 } }", "Unknown error"),
        ("return new Proxy([], { get() { throw new Error('trap') } })", "trap [line 1]"),
        ("return { then(resolve) { resolve([{ok: 1}]) } }", [{"ok": 1}]),
        ("Array.prototype.toJSON = () => 5; return items", "Code doesn't return items properly"),
        ("Object.prototype.toJSON = () => 'x'; return items", "Code doesn't return items properly"),
        ("Object.prototype.toJSON = function () { return 'returned' in this ? {returned: 1} : this }; return items",
         "Code doesn't return items properly"),
        ("for (let i = 0; i < 20000; i++) setTimeout(() => {}, 60000)", "Too many timers [line 1]"),
        ("Promise.reject(new Error('unseen')); await new Promise(r => setTimeout(r, 9)); return {a: 1}", [{"a": 1}]),
        ("})(); globalThis.leak = 1; (async function () { return {leak}", [{"leak": 1}]),
        ("}); (function () { return 5 ", "Code doesn't return items properly"),
    ],
)  # fmt: skip
def test_a_program_gets_nothing(source, given, run):
    assert run(source) == given


def test_the_file_system_is_closed_even_to_the_host_side():
    """The permission model is the wall behind the wall: the process itself may read no file at all."""

    program = """
      const { readFileSync, writeFileSync } = require('fs');
      const tries = [
        () => readFileSync('/etc/passwd'),
        () => writeFileSync('/tmp/x', ''),
        () => require('child_process').execSync('id'),
        () => new (require('worker_threads').Worker)('1', {eval: true}),
      ];
      for (const attempt of tries) {
        try { attempt(); console.log('open') } catch (error) { console.log(error.code) }
      }"""
    command = [process.NODE, "--permission", "-e", program]
    given = subprocess.run(command, capture_output=True, text=True, env={}, check=True)
    assert given.stdout.split() == ["ERR_ACCESS_DENIED"] * 4


@pytest.mark.parametrize(
    "source", ["for (;;) {}", "for (;;) await null", "const f = () => Promise.resolve().then(f); await f()"]
)
def test_a_program_without_an_end_is_ended(source, engine):
    with pytest.raises(SandboxTimeout):
        engine.wait_for(engine.sandbox.run_code(source, SCOPE, timeout=0.3))


@pytest.mark.parametrize(
    ("source", "given"),
    [
        # `import` in all ways to spell it
        ("return await import/**/('fs')", "A dynamic import callback was not specified."),
        ("return await import\u2028('fs')", "A dynamic import callback was not specified."),
        ("return [`${await import('fs')}`]", "A dynamic import callback was not specified."),
        ("im\\u{70}ort('fs')", "Keyword must not contain escaped characters"),
        ("return import.meta", "Cannot use 'import.meta' outside a module"),
        ("import fs from 'fs'; return []", "Cannot use import statement outside a module"),
        ("class A { static { import('fs') } } return {a: 1}", [{"a": 1}]),
        # ... and where it is none
        ("return {a: String.raw`\\import${1}import`, b: '\\import', c: ((s) => s.raw[0])`import`}",
         [{"a": "\\import1import", "b": "import", "c": "import"}]),
        ("const f = () => (s => s)`import`; return {a: f() === f(), b: Object.isFrozen(f()), c: /import/.test('port')}",
         [{"a": True, "b": True, "c": False}]),
        ("// import\nconst x = `import\n${1}\nimport`\nthrow new Error('here')", "here [line 5]"),
        ("const s = ((s, ...v) => v)`import\n${1}\n${2}\nimport`\nthrow new Error(String(s))", "1,2 [line 5]"),
        # functions from strings, by all four constructors
        ("return (async () => {}).constructor('return 1')()", NO_EVAL),
        ("return (function* () {}).constructor('yield 1')()", NO_EVAL),
        ("return (async function* () {}).constructor('yield 1')()", NO_EVAL),
        ("return setTimeout('1')",
         """The "callback" argument must be of type function. Received type string ('1')"""),
        ("return {a: [typeof WebAssembly, typeof Atomics, typeof SharedArrayBuffer, typeof WeakRef].join()}",
         [{"a": "undefined,undefined,undefined,undefined"}]),
        # answers that are not what the worker expects
        ("Object.prototype.toJSON = function () { return 'console' in this ? {entries: [{json: {}, evil: 1, "
         "pairedItem: {item: 'x'}, binary: {a: 1}}]} : this }; return []", [{}]),
        ("Object.prototype.toJSON = function () { return 'console' in this ? {error: {message: {a: 1}, line: 'x', "
         "itemIndex: {}, description: []}} : this }; return []", "Unknown error"),
        ("Object.prototype.toJSON = function () { return 'console' in this ? [1] : this }; return []",
         "Code doesn't return items properly"),
        ("Array.prototype.toJSON = function () { return this.length > 1 ? {} : this }; return [{json: {}}, {json: {}}]",
         [{}]),
        ("let at = []; for (let i = 0; i < 1e5; i++) at = [at]; return {at}",
         "The JavaScript gave a value that is nested too deeply to be kept"),
        # what goes on behind its answer
        ("setTimeout(() => { for (;;) ; }, 1); return []", []),
        ("setTimeout(() => { globalThis.leak = 1 }, 1); return []", []),
        ("Promise.prototype.then = function () { for (;;) ; }; return {a: 1}", [{"a": 1}]),
        ("Symbol.for = () => 1; Map.prototype.get = () => 1; return {a: Symbol.for('x')}", [{"a": 1}]),
    ],
)  # fmt: skip
def test_more_that_a_program_does_not_get(source, given, run):
    assert run(source, timeout=10) == given
    assert run("return {leak: typeof leak}") == [{"leak": "undefined"}]


TOO_LONG = "The JavaScript gave a value that is too long to be kept"


@pytest.mark.parametrize(
    ("source", "given"),
    [
        # what Node has beside the language
        ("return {a: [typeof structuredClone, typeof MessageChannel, typeof BroadcastChannel, typeof Worker, "
         "typeof gc, typeof internalBinding, typeof ShadowRealm, typeof FinalizationRegistry].join()}",
         [{"a": ",".join(["undefined"] * 8)}]),
        ("return await import('data:text/javascript,export default 1')",
         "A dynamic import callback was not specified."),
        ("return await import('data:application/json,1', { with: { type: 'json' } })",
         "A dynamic import callback was not specified."),
        ("debugger; function look() { try { return look.caller.caller } catch { return 'none' } } return {a: look()}",
         [{"a": "none"}]),
        # errors that the host could make, at the end of the stack
        ("Error.prepareStackTrace = (e, frames) => frames.map((f) => [typeof f.getThis(), typeof f.getFunction()]); "
         "return {a: String(new Error().stack).includes('object')}", [{"a": False}]),
        ("let got; const f = () => { try { f() } catch (e) { try { got ??= e.constructor.constructor('return 1')() } "
         "catch {} } }; f(); return {got: got ?? 'none'}", [{"got": "none"}]),
        # answers that lie about their length, their kind or their values
        ("return new Proxy([{json: {a: 1}}], { get: (t, k) => k === 'length' ? 4294967295 : t[0] })", TOO_LONG),
        ("return {a: new Proxy([], { get: (t, k) => k === 'length' ? 1e9 : 'x' })}", TOO_LONG),
        ("const a = []; a[4294967294] = 1; return {a}", TOO_LONG),
        ("return [{ get json() { this.n = (this.n ?? 0) + 1; return { n: this.n } } }]", [{"n": 1}]),
        ("class P extends Promise { static get [Symbol.species]() { return function (f) { f(() => {}, () => {}) } } } "
         "return new P((done) => done([])).then((all) => all)", [{}]),
        ("return { then(done, fail) { done([{a: 1}]); done([{a: 2}]); fail(new Error('late')) } }", [{"a": 1}]),
        # names that the program around it uses
        ("for (const name of ['json', 'returned', 'error', 'console', 'entries', 'text', 'message', 'program']) "
         "Object.defineProperty(Object.prototype, name, { set() { throw 1 }, get: () => 'evil', configurable: true }); "
         "return [{json: {a: 1}}]", [{"a": 1}]),
        ("Object.defineProperty(Array.prototype, 0, { set(v) { globalThis.got = v }, get: () => 7 }); "
         "return {a: typeof globalThis.got}", [{"a": "undefined"}]),
        ("let seen = 0; const call = Function.prototype.call; Function.prototype.call = Function.prototype.apply = "
         "function (...all) { seen++; return Reflect.apply(call, this, all) }; return {seen}", [{"seen": 0}]),
        ("Reflect.apply = () => { throw 1 }; JSON.stringify = () => 'evil'; String.prototype.slice = () => 'evil'; "
         "return {a: 1}", [{"a": 1}]),
        ("throw new Proxy(function () {}, { get() { throw new Proxy({}, {}) } })", "Unknown error"),
        # more than there is
        ("const all = []; for (let i = 0; i < 100; i++) all.push(new ArrayBuffer(1e8)); return []",
         "Array buffer allocation failed: EXECUTIONS_SANDBOX_MEMORY_MB sets how much memory JavaScript may use "
         "[line 1]"),
        ("const b = new ArrayBuffer(8, { maxByteLength: 3e9 }); b.resize(2e9); return []",
         "ArrayBuffer.prototype.resize: Out of memory [line 1]"),
        ("for (let i = 0; i < 1e5; i++) console.log('x'.repeat(100)); return {a: 1}", [{"a": 1}]),
    ],
)  # fmt: skip
def test_still_more_that_a_program_does_not_get(source, given, run):
    assert run(source, timeout=30) == given
    assert run("return {leak: typeof leak, then: typeof ({}).then}") == [{"leak": "undefined", "then": "undefined"}]


@pytest.mark.parametrize(
    "source",
    [
        "return { then() {} }",
        "const endless = { then(done) { done(endless) } }; return endless",
        "Object.prototype.then = function (done) { done(this) }; return {a: 1}",
        "await using endless = { async [Symbol.asyncDispose]() { for (;;) await null } }; return []",
        "throw Object.defineProperty(new Error(), 'stack', { get() { for (;;) ; } })",
        "setTimeout(() => {}, { valueOf() { for (;;) ; } })",
        "console.log(new Proxy({}, { ownKeys() { for (;;) ; } }))",
        "return {a: new Intl.Segmenter('en').segment({ toString() { for (;;) ; } })}",
    ],
)
def test_more_programs_without_an_end_are_ended(source, engine):
    with pytest.raises(SandboxTimeout):
        engine.wait_for(engine.sandbox.run_code(source, SCOPE, timeout=0.3))
