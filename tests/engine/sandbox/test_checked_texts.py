"""V8 runs what was checked: no text is one thing to the parser and another to it."""

import pytest

from app.engine.sandbox import ExpressionError

# After `of` and `yield` acorn takes a slash for the beginning of a regular expression where V8 divides.
AMBIGUOUS = ["a?.of\n{}", "a++\nof\n{}", "b\nof\n{}", "a?.of\n\n{}", "a?.of /* */\n{}", "a?.of // \n{}"]


@pytest.mark.parametrize("line", AMBIGUOUS)
@pytest.mark.parametrize("hidden", ["globalThis", "Reflect", "new Proxy({}, {})", "(async () => 1)()"])
def test_an_expression_hides_no_name_in_what_looks_like_a_regular_expression(line, hidden, evaluate):
    inner = line.replace("{}", f"/ (got = typeof ({hidden}), 1) /g")
    source = f"(() => {{ let a = {{}}, b = 1, of = 1, got = 'nothing', g = 1; {inner}\nreturn got }})()"
    given = evaluate("={{ " + source + " }}")
    assert given in (None, "nothing") or isinstance(given, ExpressionError)


@pytest.mark.parametrize("line", [*AMBIGUOUS, "(function* () {{ a?.yield\n{} }})().next()"])
def test_a_program_hides_no_import_in_what_looks_like_a_regular_expression(line, run):
    inner = line.replace("{}", "/ (got = import('fs'), 1) /g")
    given = run(f"let a = {{}}, b = 1, of = 1, g = 1, got;\n{inner}\nreturn [{{ json: {{ got: typeof got }} }}]")
    assert given == [{"got": "undefined"}] or isinstance(given, str)


def test_nothing_is_kept_on_the_promise_that_async_functions_make(engine, evaluate):
    """Whatever way to a promise is found, it carries nothing from one expression to the next."""
    source = """(() => { const a = {}; let g = 1, p; a?.of
      / (p = (async () => 1)(), p['constr' + 'uctor']['proto' + 'type'].leak = 1) /g
      return typeof p })()"""
    for _ in range(2):
        given = evaluate("={{ " + source + " }}")
        assert given in (None, "undefined") or isinstance(given, ExpressionError)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("((of, g) => of / 2 / g)(8, 2)", 2),
        ("/[/`]\\/${'{'}/y.source", "[/`]\\/${'{'}"),
        ("/(?<a>\\d)[[a-z]&&[aeiou]]/v.exec('1e').groups.a", "1"),
        ("`a${1 + `b${2}`}\\`\\${c}`", "a1b2`${c}"),
        ("String.raw`\\u0041${1}\\n`", "\\u00411\\n"),
        ("'\\u2028\\0\\x41\\\n'", "\u2028\0A"),
        ("1e400 === Infinity && 0x1F + 1_000 + .5 + 5. + 0b11", 1039.5),
        ("(-2) ** 2 + (2 ** -1)", 4.5),
        ("10n ** 20n", "100000000000000000000"),
        ("(a => b => ({ a, ...{ b } }))(1)(2)", {"a": 1, "b": 2}),
        (
            "(({ a: { b: [, c = 3, ...d] }, ...e }) => [c, d, e])({ a: { b: [1, undefined, 4] }, f: 5 })",
            [3, [4], {"f": 5}],
        ),
        ("(function* () { const x = yield 1; yield* [x] })().next().value", 1),
        ("new (class { #a = 2; static b = 3; get c() { return this.#a } has(o) { return #a in o } })().c", 2),
        ("(null ?? (0 || 5)) + (void 0, 1)", 6),
        (
            "((x) => { a: for (const i of [1, 2]) { switch (i) { case x: break a; default: continue } } return x })(2)",
            2,
        ),
        ("(() => { try { throw { a: 1 } } catch ({ a }) { return a } finally { ; } })()", 1),
        ("[...'ab'].map((x, i) => -(-i) + +'1' - -1)", [2, 3]),
        ("'a' in { a: 1 } ? typeof void 0 : !!0", "undefined"),
        ("$json?.n?.['toString']?.().length", 1),
        ("Symbol.keyFor(Symbol.for('a')) + (Symbol.for('b') === Symbol.for('b'))", "atrue"),
    ],
)
def test_an_expression_written_anew_means_what_it_meant(expression, value, evaluate):
    assert evaluate("={{ " + expression + " }}") == value
