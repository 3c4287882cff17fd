"""What one expression or program does, the next cannot see."""


def test_no_state_passes_between_expressions(evaluate):
    attempts = [
        "leak = 1",
        "globalThis.leak = 1",
        "this.leak = 1",
        "process.leak = 1",
        "(() => { /(leak)/.test('leak'); return 1 })()",
        "(() => { Symbol.for('leak').description; return 1 })()",
        "(t => (t`x`.leak = 1))((strings) => strings)",
        "(() => { for (const date of [$now, DateTime.utc()]) for (const key in date) date[key].leak = 1; return 1 })()",
        "(() => { $now.loc.leak = 1; DateTime.utc().loc.leak = 1; $now.loc.dtFormatter($now, {}).leak = 1 })()",
        "(() => { $now.loc.numberFormatter().leak = 1; Duration.fromObject({days: 1}).loc.leak = 1 })()",
    ]
    for expression in attempts:
        evaluate("={{ " + expression + " }}")
    seen = """={{ [typeof leak, typeof globalThis.leak, typeof process.leak, typeof [].leak, typeof ({}).leak,
      typeof RegExp.$1, typeof $now.loc.leak, typeof DateTime.utc().loc.leak, typeof $now.zone.leak, typeof $now.c.leak,
      typeof $now.loc.dtFormatter($now, {}).leak, typeof $now.loc.numberFormatter().leak,
      typeof Duration.fromObject({days: 1}).loc.leak] }}"""
    assert evaluate(seen) == ["undefined"] * 13


def test_no_state_passes_between_programs(run):
    for source in [
        "globalThis.leak = 1; leak2 = 2; return []",
        "Object.prototype.leak = 1; Array.prototype.map = null; Promise.prototype.then = null; return []",
        "JSON.stringify = () => '{}'; Object.assign(DateTime, {now: () => 1}); return []",
        "DateTime.now().zone.constructor.prototype.leak = 1; return []",
    ]:
        run(source)
    seen = """return {
      seen: [typeof leak, typeof leak2, typeof ({}).leak, typeof [].map, typeof DateTime.now().toISO()].join(),
    }"""
    assert run(seen) == [{"seen": "undefined,undefined,undefined,function,string"}]


def test_built_in_names_can_still_be_assigned_on_own_objects(evaluate):
    expression = """={{ (() => {
      const error = new Error('x'); error.message = 'y'; error.name = 'N';
      const own = {}; own.toString = () => 'own'; own.valueOf = () => 4; own['hasOwn' + 'Property'] = 1;
      class A { toString() { return 'A!' } }
      return [String(error), `${own}`, own + 1, Object.keys(own), `${new A()}`];
    })() }}"""
    assert evaluate(expression) == ["N: y", "own", 5, ["toString", "valueOf", "hasOwnProperty"], "A!"]
