"""Two calls in one process: what one of them finds of the other, by all that Node.js offers to look at a process."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from app.packages.host import Host
from app.packages.launch import JS
from tests.packages.hosting import call_of
from tests.packages.running import SAMPLE

SECRET = "the-secret-of-the-other"

BUSY = """
const { token } = await this.getCredentials('plainApi');
for (;;) {
  const acts = await new Promise((done) => { globalThis.go = done; globalThis.ready?.() });
  if (!acts) return [[]];
  const headers = { authorization: token }, stop = new AbortController(), { signal } = stop;
  const over = Promise.allSettled([
    new Promise((done) => require('http').get({ host: '127.0.0.1', port: 9, headers, signal }).on('error', done)),
    fetch(`http://127.0.0.1:9/?t=${token}`, { headers, signal }),
    this.getCredentials('plainApi'),
  ]);
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
  stop.abort();
  await over;
}
"""
"""Holds a secret, and when it is told to, asks for it and sends it once more."""

LOOKING = (
    f"const SECRET = '{SECRET}', JS = '{JS}';"
    + """
const found = new Set(), seen = new Set();
const note = (text) => void found.add(text);
const visit = (value, path = '', depth = 0) => {
  if (typeof value === 'string' && value.includes(SECRET)) note(path);
  if (!['object', 'function'].includes(typeof value) || value === null || seen.has(value) || depth > 7) return;
  seen.add(value);
  if (value instanceof Map || value instanceof Set) for (const each of value) visit(each, `${path}[]`, depth + 1);
  for (const name of Reflect.ownKeys(value)) try { visit(value[name], `${path}.${String(name)}`, depth + 1) } catch {}
};
const acted = async () => {
  const before = globalThis.go;
  const ready = new Promise((done) => { globalThis.ready = done });
  before(true);
  await ready;
};
const tried = async (work) => { try { const got = await work(); return got ?? true } catch { return false } };
"""
)

HANDLE = """const handle = await fs.promises.open(`${require('os').tmpdir()}/held`, 'w');
  const of = (name) => Object.getOwnPropertySymbols(handle).find(({ description }) => description === name);"""
"""Opens a file in the way whose handles have methods."""

DESCRIPTORS = {
    "reading what the worker sends": "fs.readSync(0, Buffer.alloc(9))",
    "reading it later": "await require('util').promisify(fs.read)(0, Buffer.alloc(9), 0, 9, null)",
    "reading into several": "fs.readvSync(0, [Buffer.alloc(9)])",
    "reading all": "fs.readFileSync(0)",
    "a terminal": "new (require('tty').ReadStream)(0)",
    "a terminal by its prototype": "new (require('tty').WriteStream.prototype.constructor)(1)",
    "a socket": "new (require('net').Socket)({ fd: 0 })",
    "a handle": "if (typeof require('net')._createServerHandle(null, null, null, 0) !== 'object') throw new Error()",
    "a pipe": """const Pipe = process.stderr._handle.constructor; if (new Pipe(0).open(0) !== 0) throw new Error()""",
    "writing to the worker": "fs.writeSync(1, Buffer.alloc(0))",
    "writing it all": "fs.appendFileSync(1, '')",
    "writing by another name": "process.getBuiltinModule('fs').writeSync(1, Buffer.alloc(0))",
    "writing by import": "(await import('node:fs')).writeSync(1, Buffer.alloc(0))",
    "writing by a stream of texts": """const out = new fs.Utf8Stream({ fd: 1, sync: true }); out.write('text');
      out.flushSync()""",
    "closing": "fs.closeSync(1)",
    "a handle of files": f"{HANDLE} await new handle.constructor({{ fd: 1 }}).write(Buffer.alloc(0))",
    "a handle of files led elsewhere": f"{HANDLE} handle[of('kFd')] = 1; if (handle.fd !== 1) throw new Error()",
    "a handle of files by its looks": f"""{HANDLE}
      const seeming = Object.create(Object.getPrototypeOf(handle), {{ [of('kFd')]: {{ value: 1 }} }});
      await fs.promises.appendFile(seeming, '')""",
    "a handle of files that says another number": f"""{HANDLE}
      Object.defineProperty(handle, 'fd', {{ value: 1 }}); await handle.write(Buffer.alloc(0))""",
    "a handle of files by what it is made of": f"""{HANDLE}
      const made = new handle[of('kHandle')].constructor(0); made.readStart()""",
    "ending": "process._kill(process.pid, 0)",
}

WAYS = {
    "modules": "for (const { exports } of Object.values(require.cache)) visit(exports)",
    "names of modules": """for (const name of Object.keys(require.cache))
      if (name.startsWith(JS) && !name.includes('stand-in')) note(name)""",
    "modules above": """for (const each of Object.values(require.cache))
      for (let above = each; above; above = above.parent) visit(above.exports)""",
    "the first module": "visit(require.main.children); visit(process.mainModule.exports)",
    "a module anew": "const { calls } = require(`${JS}/calls.js`); calls.forEach((call) => visit(call.request))",
    "promises as resources": """const got = [];
      require('async_hooks').createHook({ init(id, kind, by, resource) { got.push(resource) } }).enable();
      await acted(); for (const each of got) visit(each instanceof Promise ? await each : each)""",
    "promises": """const got = [], stop = require('v8').promiseHooks.onInit((each) => got.push(each));
      await acted(); stop(); for (const each of got) visit(await each)""",
    "promises by a hook": """const got = [], settled = (promise) => got.push(promise);
      const stop = require('v8').promiseHooks.createHook({ settled });
      await acted(); stop(); for (const each of got) visit(await each)""",
    "the heap": "for await (const part of require('v8').getHeapSnapshot()) visit(String(part))",
    "the heap in a file": """const at = `${require('os').tmpdir()}/h`;
      visit(require('fs').readFileSync(require('v8').writeHeapSnapshot(at), 'utf8'))""",
    "objects of a class": "visit(require('v8').queryObjects(Object, { format: 'summary' }))",
    "V8's own functions": """require('v8').setFlagsFromString('--allow-natives-syntax');
      if (await tried(() => new Function('return %HeapObjectVerify({})')())) note('natives')""",
    "channels": """const dc = require('diagnostics_channel');
      for (const name of ['http.client.request.start', 'http.client.request.created', 'undici:request:create'])
        dc.subscribe(name, visit);
      await acted()""",
    "one channel": """const channel = require('diagnostics_channel').channel('http.client.request.created');
      channel.subscribe(visit); await acted()""",
    "channels by import": """(await import('node:diagnostics_channel')).subscribe('http.client.request.start', visit);
      await acted()""",
    "agents": """const turn = require('timers/promises').setImmediate;
      const agents = () => [require('http'), require('https'), require('_http_agent')].map((each) => each.globalAgent);
      const look = ({ sockets, requests, freeSockets }) => {
        const all = [sockets, requests, freeSockets].flatMap((named) => Object.values(named).flat());
        for (const each of all) visit(each);
      };
      let over; void acted().then(() => { over = true });
      while (!over) { agents().forEach(look); await turn() }""",
    "timings": """performance.setResourceTimingBufferSize(250);
      performance.markResourceTiming({ startTime: 1, endTime: 2 }, SECRET, 'fetch', globalThis, '', {}, 200);
      visit(performance.getEntries().map((each) => each.toJSON()))""",
    "timings as they come": """const { PerformanceObserver } = require('perf_hooks');
      const heard = new Promise((done) => new PerformanceObserver((list) => done(list)).observe({ type: 'resource' }));
      performance.markResourceTiming({ startTime: 1, endTime: 2 }, SECRET, 'fetch', globalThis, '', {}, 200);
      const list = await Promise.race([heard, acted()]);
      visit(list?.getEntries().map((each) => each.toJSON()))""",
    "handles": """const active = [process._getActiveHandles(), process._getActiveRequests()].flat();
      for (const each of active) note(each.constructor.name)""",
    "the call of running code": """const { prototype } = require('async_hooks').AsyncLocalStorage, got = [];
      const { getStore, enterWith } = prototype;
      prototype.getStore = function () { const store = getStore.call(this); got.push(store); return store };
      prototype.enterWith = function (store) { got.push(store); return enterWith.call(this, store) };
      await acted(); Object.assign(prototype, { getStore, enterWith }); visit(got)""",
    "keys of a WeakMap": """const { get } = WeakMap.prototype, got = [];
      WeakMap.prototype.get = function (key) { got.push(key); return get.call(this, key) };
      await acted(); WeakMap.prototype.get = get; visit(got.filter((each) => each.request))""",
    "what a Map gives": """const { get } = Map.prototype, got = [];
      Map.prototype.get = function (key) { const value = get.call(this, key); got.push(value); return value };
      await acted(); Map.prototype.get = get; visit(got)""",
}


class Neighbours:
    """A process with a call that holds a secret, and what another call finds out beside it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._host = Host(SAMPLE, processes=1)
        busy = {**call_of(BUSY), "items": [[{"json": {"item": SECRET}}]], "credentialTypes": {"plainApi": {}}}
        self._busy = asyncio.run_coroutine_threadsafe(self._host.call(busy, self._answer), self._loop)
        self.look("await new Promise((done) => { if (globalThis.go) done(); else globalThis.ready = done })")

    async def _answer(self, asked: bytes) -> bytes:
        call = json.loads(asked)["call"]
        return json.dumps({"call": call, "result": {"data": {"token": SECRET}}}).encode()

    def look(self, code: str) -> list[str]:
        """The places in which the code found the secret."""
        ends = "if (!found.size && !/would show/.test(error.message)) throw error"
        whole = f"{LOOKING} try {{ {code} }} catch (error) {{ {ends} }} return [[{{ json: [...found] }}]]"
        work = self._host.call(call_of(whole))
        answer = asyncio.run_coroutine_threadsafe(work, self._loop).result(60)
        assert not self._busy.done(), "what was tried has hurt the other call"
        assert "error" not in answer, answer["error"]
        found: list[str] = answer["outputs"][0][0]["json"]
        return found

    def close(self) -> None:
        self._busy.cancel()
        asyncio.run_coroutine_threadsafe(self._host.__aexit__(None, None, None), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    made = Neighbours()
    yield made
    made.close()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_shows_what_another_call_has(neighbours: Neighbours, way):
    assert neighbours.look(WAYS[way]) == []


@pytest.mark.parametrize("way", DESCRIPTORS)
def test_nobody_reads_or_writes_what_goes_between_process_and_worker(neighbours: Neighbours, way):
    code = f"const fs = require('fs'); if (await tried(async () => {{ {DESCRIPTORS[way]} }})) note('done')"
    assert neighbours.look(code) == []
