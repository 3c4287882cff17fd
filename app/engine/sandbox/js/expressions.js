// The process that evaluates expressions: one frozen context, one request after the other, no event loop.
'use strict';

const fs = require('node:fs');
const vm = require('node:vm');

const { ANSWER, FrameReader, MAX_COPY_BYTES, writeAnswer, writeFrame, writeLastAnswer } = require('./frames.js');
const { answer } = require('./host.js');
const { KnownAnswers } = require('./known_answers.js');
const { split } = require('./template_parts.js');
const { rewrite, TemplateError } = require('./templates.js');

const CACHE_SIZE = 5000;
/** After so many small requests, as after a large one, it is said what this process holds. */
const HEAP_EVERY = 16;

const REALM = ['bridge', 'libraries', 'encode', 'scope', 'variables', 'methods-date', 'methods-number', 'methods-string',
  'methods-array', 'methods-object', 'methods', 'clone', 'evaluate', 'harden'];

/**
 * `compileText` gives the handle of a template that an expression has made, or its error behind a "!"; `known` answers
 * all else.
 */
function createRealm({ realmFile, realmLibrary }, compileText, known) {
  // Without interceptors the global is an ordinary object, so it can be frozen and is fast.
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    name: 'expressions',
    codeGeneration: { strings: false, wasm: false },
  });
  const realm = vm.runInContext('({})', context);
  const extra = {
    bridge: () => [(operation, text, argument) => (operation === 'compile' ? compileText(text) : known.answer(operation, text, argument))],
    libraries: () => [
      realmLibrary('luxon/build/cjs-browser/luxon.js')(context),
      realmLibrary('jmespath/jmespath.js')(context),
    ],
  };
  let door;
  for (const name of REALM) {
    const made = realmFile(name)(context)(realm, ...(extra[name]?.() ?? []));
    if (name === 'evaluate') door = made;
  }
  const variables = ['__call', '__methods', ...Object.keys(realm.variables), ...Object.keys(realm.functions)];
  return { context, door, methods: new Set(realm.methods.names), variables: new Set(variables) };
}

function start(load) {
  const known = new KnownAnswers(answer);
  const { context, door, methods, variables } = createRealm(load, compileText, known);
  const isMethod = (name) => methods.has(name);
  const isVariable = (name) => variables.has(name);

  /** template -> {handle} or {error}; a Map remembers the order of insertion, so the first is the longest unused. */
  const cache = new Map();
  let nextHandle = 0;

  function compile(template) {
    const compiled = [];
    try {
      const parts = split(template).map((part) => {
        if (part.text !== undefined) return part;
        const { source, variables: used, unknown, ...about } = rewrite(part.code, isMethod, isVariable);
        compiled.push(vm.compileFunction(source, [...used, ...unknown], { parsingContext: context, filename: 'expression' }));
        return { function: compiled.length - 1, variables: used, ...about };
      });
      const handle = nextHandle++;
      door.define(handle, JSON.stringify(parts), ...compiled);
      return { handle };
    } catch (error) {
      return { error: error instanceof TemplateError ? error.message : 'invalid syntax' };
    }
  }

  function lookUp(template) {
    let entry = cache.get(template);
    if (entry) {
      cache.delete(template);
    } else {
      entry = compile(template);
    }
    cache.set(template, entry);
    return entry;
  }

  /** A handle in any case: that of a template that is wrong fails for each item. */
  function handleOf(entry) {
    if (entry.error === undefined) return entry.handle;
    if (entry.failing === undefined) {
      entry.failing = nextHandle++;
      door.define(entry.failing, JSON.stringify([{ fails: entry.error, function: 0, variables: [] }]));
    }
    return entry.failing;
  }

  function compileText(text) {
    try {
      const { handle, error } = lookUp(text);
      return error === undefined ? `${handle}` : `!${error}`;
    } catch {
      return undefined; // a full stack; the error would be the host's
    }
  }

  /** Forgets what was unused for longest; only between requests, so that none loses what it is about to run. */
  function trim() {
    for (const [template, { handle, failing }] of cache) {
      if (cache.size <= CACHE_SIZE) return;
      cache.delete(template);
      for (const each of [handle, failing]) if (each !== undefined) door.forget(each);
    }
  }

  function evaluate(payload) {
    const size = payload.readUInt32BE(0);
    const { templates, marks } = JSON.parse(payload.toString('utf8', 4, 4 + size));
    const handles = [];
    for (const template of templates) {
      const entry = lookUp(template);
      if (entry.error !== undefined && !marks) return JSON.stringify({ error: { message: entry.error, kind: 'syntax' } });
      handles.push(handleOf(entry));
    }
    return door.evaluate(JSON.stringify(handles), payload.toString('utf8', 4 + size));
  }

  let unsaid = 0;

  function reply(id, text, size) {
    unsaid += 1;
    if (unsaid < HEAP_EVERY && size + text.length <= MAX_COPY_BYTES) {
      writeAnswer(id, text);
      return;
    }
    unsaid = 0;
    writeLastAnswer(id, text);
  }

  const reader = new FrameReader();
  const chunk = Buffer.allocUnsafe(1 << 18);
  writeFrame(0, ANSWER, '');
  for (;;) {
    const count = fs.readSync(0, chunk);
    if (count === 0) return;
    reader.push(chunk.subarray(0, count), (id, kind, payload) => {
      let text;
      try {
        text = evaluate(payload);
      } catch {
        text = undefined;
      }
      trim();
      known.forget();
      reply(id, typeof text === 'string' ? text : '{"error":{"message":"Expression evaluation failed"}}', payload.length);
    });
  }
}

module.exports = { start };
