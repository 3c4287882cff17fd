"""All that JavaScript can reach by any property or prototype: frozen where it is shared, never the host's."""

# Everything that can be reached from what an expression may name, by any property, prototype or accessor, must be
# frozen; all that may not be frozen is made anew for each evaluation.
WALK_EXPRESSION = """={{ ((shared, own) => {
  const seen = new Set(), loose = [];
  const prototypeOf = Object["getProto" + "typeOf"];
  const visit = (value, path, mayBeLoose) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    if (!mayBeLoose && !Object.isFrozen(value)) loose.push(path);
    visit(prototypeOf(value), path + ".__proto__", false);
    for (const key of [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertySymbols(value)]) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key);
      const at = path + "." + String(key);
      visit(descriptor.value, at, mayBeLoose);
      for (const accessor of [descriptor.get, descriptor.set]) visit(accessor, at, false);
    }
  };
  for (const key of Object.keys(shared)) visit(shared[key], key, false);
  for (const key of Object.keys(own)) visit(own[key], key, true);
  return { reached: seen.size, loose };
})({
  DateTime, Duration, Interval, Object, Array, String, Number, Boolean, Symbol, BigInt, Math, JSON, Date, RegExp, Map,
  Set, WeakMap, WeakSet, Intl, Error, TypeError, AggregateError, ArrayBuffer, DataView, Uint8Array, Float64Array,
  BigInt64Array, isNaN, parseInt, encodeURI, $jmespath, $if, $min, call: __call, methods: __methods,
  zone: $now.zone, utc: DateTime.utc().zone, tokyo: DateTime.fromISO("2024-01-01", { zone: "Asia/Tokyo" }).zone,
  system: DateTime.local({ zone: "system" }).zone, format: new Intl.DateTimeFormat("de"),
  collator: new Intl.Collator("de"), number: new Intl.NumberFormat("de"),
}, {
  now: $now, offset: DateTime.fromISO("2024-01-01T00:00+03:00", { setZone: true }).zone, arrow: () => 1,
  array: [][Symbol.iterator](), map: new Map().entries(), set: new Set().values(), matches: "a".matchAll(/a/g),
  segments: new Intl.Segmenter("en").segment("a b"), node: $("Start"), input: $input, blocked: process,
  caught: (() => { try { $("Nope") } catch (error) { return error } })(),
  typeError: (() => { try { null.x } catch (error) { return error } })(),
  full: (() => { const f = () => { "x".hash(); f() }; try { f() } catch (error) { return error } })(),
}) }}"""


# Every object that a program can get hold of must come from its own context: its last prototype is its own
# Object.prototype. An object of the host has another one.
WALK_CODE = """
const seen = new Set(), foreign = [];
const visit = (value, path) => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
  seen.add(value);
  let top = value;
  while (Object.getPrototypeOf(top)) top = Object.getPrototypeOf(top);
  if (top !== Object.prototype && top !== value) foreign.push(path);
  visit(Object.getPrototypeOf(value), path + '.__proto__');
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (!descriptor) continue;
    for (const part of ['value', 'get', 'set']) visit(descriptor[part], `${path}.${String(key)}`);
    if (descriptor.get) attempt(() => descriptor.get.call(value), `${path}.${String(key)}()`);
  }
};
const attempt = (work, path) => { try { visit(work(), path) } catch (error) { visit(error, path + ' threw') } };
const untilFull = (work) => { const again = () => { work(); again() }; again() };
visit(globalThis, 'global');
visit(arguments, 'arguments');
for (const work of [
  () => null.x, () => require('fs'), () => setTimeout(5), () => new TextDecoder('nope'), () => atob('%'),
  () => btoa('€'),
  () => new Function('return this')(), () => (0, eval)('this'), () => JSON.parse('{'), () => Buffer.alloc(-1),
  () => 'x'.repeat(2 ** 30), () => new Uint8Array(1e12), () => $('Nope'), () => $env.X, () => $jmespath({}, '['),
  () => untilFull(() => {}), () => untilFull(() => btoa('x')), () => untilFull(() => console.log(1)),
  () => untilFull(() => clearTimeout(setTimeout(() => {}, 1))), () => untilFull(() => new TextEncoder().encode('x')),
  () => untilFull(() => $('Start').first()), () => untilFull(() => DateTime.now()),
  () => untilFull(() => Buffer.from('x')),
]) attempt(work, String(work));
for (const work of [() => import('fs'), () => import(`node:fs`), () => import('data:text/javascript,1')]) {
  const promise = work();
  visit(promise, 'import');
  await promise.catch((error) => visit(error, 'import refused'));
}
await new Promise((done) => setTimeout(function (...given) {
  visit(this, 'timer this');
  visit(given, 'timer arguments');
  attempt(() => arguments.callee.caller, 'timer caller');
  done();
}, 1));
await new Promise((done) => Promise.resolve({
  then(resolve, reject) {
    visit(resolve, 'resolve');
    visit(reject, 'reject');
    attempt(() => arguments.callee.caller, 'then caller');
    resolve();
  },
}).then(done));
const prepare = (error, frames) => { visit(error, 'prepared error'); visit(frames, 'frames'); return frames };
Error.prepareStackTrace = prepare;
attempt(() => Object.defineProperty(Error, 'prepareStackTrace', { value: prepare }), 'defineProperty');
globalThis.Error = { prepareStackTrace: prepare };
class Own extends Error { static prepareStackTrace = prepare }
visit(new Own('x').stack, 'stack of its own');
visit(new Error('x').stack, 'stack');
return [{ json: { reached: seen.size, foreign } }];
"""


def test_all_that_expressions_share_is_frozen(evaluate):
    walked = evaluate(WALK_EXPRESSION)
    assert walked["loose"] == []
    assert walked["reached"] > 1000


def test_a_program_reaches_no_object_of_the_host(run):
    [walked] = run(WALK_CODE)
    assert walked["foreign"] == []
    assert walked["reached"] > 1000


def test_an_error_of_the_host_leads_nowhere(run):
    """At the end of the stack V8 makes an error in the host's realm and the program gets hold of it."""
    source = """
      let host;
      const look = (error) => { if (!(error instanceof Object)) host = error };
      const again = () => { try { new Error('x').stack } catch (error) { look(error) }; again() };
      for (let i = 0; i < 100 && !host; i++) try { again() } catch (error) { look(error) }
      if (!host) return { reached: 0, loose: [], made: 'EvalError' };
      const seen = new Set(), loose = [];
      const visit = (value, path) => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
        seen.add(value);
        if (value !== host && !Object.isFrozen(value)) loose.push(path);
        visit(Object.getPrototypeOf(value), path + '.__proto__');
        for (const key of Reflect.ownKeys(value)) {
          const descriptor = Object.getOwnPropertyDescriptor(value, key);
          for (const part of ['value', 'get', 'set']) visit(descriptor[part], `${path}.${String(key)}`);
        }
      };
      visit(host, 'host');
      let made;
      try { made = typeof host.constructor.constructor('return process')() } catch (error) { made = error.name }
      return { reached: seen.size, loose, made };"""
    [walked] = run(source)
    assert walked["loose"] == []
    assert walked["made"] == "EvalError"
    assert walked["reached"] < 300


def test_a_program_sees_no_path_of_the_host(run):
    source = """
      const stacks = [new Error('x').stack];
      const works = [() => require('fs'), () => $('Nope'),
        () => DateTime.fromISO('x', {zone: 5}), () => Buffer.from(5)];
      for (const work of works) {
        try { work() } catch (error) { stacks.push(String(error.stack)) }
      }
      return {found: stacks.filter((stack) => stack.includes('/') || stack.includes('node:'))};"""
    assert run(source) == [{"found": []}]
