// The process that runs Code nodes: a fresh context for each run, many runs at once on one event loop.
// Tells the parent when a run's JavaScript starts and stops running, so that it knows whom to blame for a hang.
'use strict';

const vm = require('node:vm');

const { ANSWER, ASK, DROP, ENTER, FrameReader, LEAVE, PING, PONG, REPLY, fitsFrame, heapUsed, writeAnswer,
  writeFrame } = require('./frames.js');
const { answer } = require('./host.js');
const { withoutImports } = require('./imports.js');

const SPARE_CONTEXTS = 3;
const MAX_TIMERS = 10_000;
const HEAD = '(async function workflowCode() {';
/** A program that names its items may ask for `$binary` and `$data`, too; n8n sends them to no other. */
const NAMES_ITEMS = /(?<![.\w$])(?:\$input|\$json|\$node|\$?items?|\$(?=\())(?![\w$])/;
/** What n8n puts around a program: where a brace is left open, V8 finds something else behind it than in our own. */
const [HEAD_OF_N8N, TAIL_OF_N8N] = ['workflowCode = async function () {', '\n}()'];

const REALM = ['bridge', 'buffer', 'libraries-lazy', 'encode', 'scope', 'variables', 'code-globals', 'code-helpers', 'code'];

const messageOfError = (error) => (error instanceof Error ? String(error.message) : 'invalid syntax');

function start({ realmFile, realmLibrary }) {
  const files = Object.fromEntries(REALM.map((name) => [name, realmFile(name)]));
  const frozen = realmFile('libraries');
  const libraries = {
    luxon: realmLibrary('luxon/build/cjs-browser/luxon.js'),
    jmespath: realmLibrary('jmespath/jmespath.js'),
    buffer: realmLibrary('buffer/index.js'),
    'base64-js': realmLibrary('base64-js/index.js'),
    ieee754: realmLibrary('ieee754/index.js'),
  };
  const drain = new vm.Script('');
  const runs = new Map();
  const spare = [];
  const waiting = [];

  /** A context that has never run anything; its `bridge` leads to whichever run takes it. */
  function createContext() {
    const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
      name: 'code',
      codeGeneration: { strings: false, wasm: false },
      microtaskMode: 'afterEvaluate',
    });
    const run = { id: 0, context, open: true, compiles: false, timers: new Map() };
    const realm = vm.runInContext('({})', context);
    const extra = {
      bridge: () => [answer],
      'libraries-lazy': () => [frozen(context), ...Object.values(libraries).map((library) => library(context))],
      'code-helpers': () => [(text) => ask(run, text)],
      code: () => [(text) => finish(run, text), (id, delay) => setTimer(run, id, delay), (id) => clearTimer(run, id), (text) => compileFor(run, text)],
    };
    let door;
    for (const name of REALM) door = files[name](context)(realm, ...(extra[name]?.() ?? []));
    run.door = door;
    return run;
  }

  // Called from inside a context, so they take primitives, give none of the host's objects and never throw.

  function finish(run, text) {
    try {
      if (!run.open || typeof text !== 'string') return;
      close(run);
      writeAnswer(run.id, text);
    } catch {
      // The pipe is gone, and so is whoever waited.
    }
  }

  function setTimer(run, id, delay) {
    try {
      if (!run.open || typeof id !== 'number' || typeof delay !== 'number' || run.timers.size >= MAX_TIMERS) return false;
      const fire = () => {
        run.timers.delete(id);
        enter(run, () => run.door.fire(id));
      };
      run.timers.set(id, setTimeout(fire, delay));
      return true;
    } catch {
      return false;
    }
  }

  function clearTimer(run, id) {
    try {
      clearTimeout(run.timers.get(id));
      run.timers.delete(id);
    } catch {
      // A full stack: the timer fires and finds nothing to call.
    }
  }

  /** A function of the run's own context, or what is wrong with its text; undefined where the run must not ask. */
  function compileFor(run, text) {
    try {
      if (!run.compiles || typeof text !== 'string') return undefined;
      const { text: program, message } = withoutImports(text);
      if (message !== undefined) return message;
      let script;
      try {
        script = new vm.Script(program, { filename: 'workflow-code' });
      } catch (error) {
        return messageOfError(error);
      }
      return script.runInContext(run.context);
    } catch {
      // What a context throws is not looked at.
      return undefined;
    }
  }

  function ask(run, text) {
    try {
      if (!run.open || typeof text !== 'string' || !fitsFrame(text)) return false;
      writeFrame(run.id, ASK, text);
      return true;
    } catch {
      return false;
    }
  }

  function close(run) {
    run.open = false;
    for (const timer of run.timers.values()) clearTimeout(timer);
    run.timers.clear();
    runs.delete(run.id);
  }

  // At the end of the stack a program gets hold of an error of the host's realm, and by way of it of functions whose
  // jobs are the host's. So a run has left only when those have been done, too: they count against its time.

  /** [run, piece] of those that wait: one run's JavaScript at a time, with all that it leaves to run at once. */
  const turns = [];
  let taken = false;

  function enter(run, piece) {
    turns.push([run, piece]);
    if (!taken) takeTurn();
  }

  function takeTurn() {
    let turn;
    do turn = turns.shift();
    while (turn && !turn[0].open);
    taken = turn !== undefined;
    if (!taken) return;
    const [run, piece] = turn;
    writeFrame(run.id, ENTER, '');
    try {
      piece();
      drain.runInContext(run.context);
    } catch {
      // What a context throws is not looked at: even reading its message could run the context's code.
      finish(run, JSON.stringify({ error: { message: 'Unknown error' } }));
    }
    setImmediate(leave, run);
  }

  function leave(run) {
    writeFrame(run.id, LEAVE, heapUsed());
    takeTurn();
  }

  /** What V8 says of a text that is no program; undefined where it is one. Nothing is run. */
  function messageOf(text) {
    try {
      new vm.Script(text, { filename: 'workflow-code' });
      return undefined;
    } catch (error) {
      return messageOfError(error);
    }
  }

  /** The function of a Code node's program, or the error that V8 has with its syntax. */
  function compile(source, context) {
    const { text, message: refused } = withoutImports(source);
    if (refused !== undefined) return { error: { message: refused, description: 'SyntaxError', name: 'SyntaxError' } };
    let script;
    try {
      script = new vm.Script(`${HEAD}${text}\n})`, { filename: 'workflow-code', columnOffset: -HEAD.length });
    } catch (error) {
      const message = messageOf(`${HEAD_OF_N8N}${text}${TAIL_OF_N8N}`) ?? messageOfError(error);
      return { error: { message, description: 'SyntaxError', name: 'SyntaxError' } };
    }
    return { program: script.runInContext(context) };
  }

  function run(id, payload) {
    const size = payload.readUInt32BE(0);
    const { source, eachItem, continueOnFail, compiles } = JSON.parse(payload.toString('utf8', 4, 4 + size));
    const created = spare.pop() ?? createContext();
    created.id = id;
    created.compiles = compiles === true;
    runs.set(id, created);
    enter(created, () => {
      const { program, error } = compile(source, created.context);
      if (error) finish(created, JSON.stringify({ error }));
      else {
        const text = payload.toString('utf8', 4 + size);
        created.door.run(program, eachItem === true, continueOnFail === true, NAMES_ITEMS.test(source), text);
      }
    });
  }

  function work() {
    const next = waiting.shift();
    if (next) {
      const [id, payload] = next;
      // Dropped while it waited?
      if (payload) run(id, payload);
      setImmediate(work);
    } else if (spare.length < SPARE_CONTEXTS) {
      spare.push(createContext());
      setImmediate(work);
    } else {
      working = false;
    }
  }

  function wake() {
    if (working) return;
    working = true;
    setImmediate(work);
  }

  let working = false;
  const reader = new FrameReader();
  process.stdin.on('data', (chunk) =>
    reader.push(chunk, (id, kind, payload) => {
      if (kind === PING) {
        writeFrame(id, PONG, '');
      } else if (kind === REPLY) {
        const asking = runs.get(id);
        const reply = payload.toString('utf8');
        if (asking) enter(asking, () => asking.door.reply(reply));
      } else if (kind === DROP) {
        const dropped = runs.get(id);
        if (dropped) close(dropped);
        const queued = waiting.find((each) => each[0] === id);
        if (queued) queued[1] = undefined;
      } else {
        waiting.push([id, payload]);
        wake();
      }
    }),
  );
  process.stdin.on('end', () => process.exit(0));
  spare.push(createContext());
  writeFrame(0, ANSWER, '');
  wake();
}

module.exports = { start };
