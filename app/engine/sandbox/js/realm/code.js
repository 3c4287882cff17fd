// Runs one Code node's program in a context of its own. Everything here is the program's own realm: what it breaks
// is its own run. The four functions of the host stay in this closure and get strings and numbers only.
(realm, hostFinish, hostSetTimer, hostClearTimer, hostCompile) => {
  'use strict';

  const { ExpressionError, Scope, variables, Input, lines, define, defineLazily } = realm;
  const { apply } = Reflect;
  const { stringify, parse } = JSON;
  const wellFormed = realm.wellFormed;

  const quietly = (call, ...given) => {
    try {
      return apply(call, undefined, given);
    } catch {
      // The stack was full on the host's side; the error object is the host's and must not get out.
      return undefined;
    }
  };

  const timers = new Map();
  let lastTimer = 0;
  function setTimer(callback, delay, repeat, given) {
    if (typeof callback !== 'function') throw realm.wrongType('The "callback" argument must be of type function.', callback);
    const id = ++lastTimer;
    const wait = Math.max(1, Number(delay) || 0);
    timers.set(id, { callback, given, repeat, wait });
    if (quietly(hostSetTimer, id, wait) !== true) throw new RangeError('Too many timers');
    return id;
  }
  const clearTimer = (id) => {
    if (timers.delete(id)) quietly(hostClearTimer, id);
  };
  define('setTimeout', (callback, delay, ...given) => setTimer(callback, delay, false, given));
  define('setInterval', (callback, delay, ...given) => setTimer(callback, delay, true, given));
  define('setImmediate', (callback, ...given) => setTimer(callback, 0, false, given));
  define('clearTimeout', clearTimer);
  define('clearInterval', clearTimer);
  define('clearImmediate', clearTimer);

  // For libraries that write programs, in the place of `new Function`; the host refuses it to a workflow's own program.
  const $makeFunction = (...given) => {
    const body = given.pop() ?? '';
    const made = quietly(hostCompile, `(function anonymous(${given.join()}\n) {\n${body}\n})`);
    if (typeof made === 'function') return made;
    throw new SyntaxError(typeof made === 'string' ? made : 'Code generation from strings is disallowed');
  };
  define('$makeFunction', $makeFunction, false);

  let scope;
  const nothingSaid = { message: 'Unknown error', malformed: true };
  const unwritable = (thrown) => {
    try {
      // What JSON.stringify itself throws: at the end of the stack, and at the end of what a text may be long.
      if (thrown.name !== 'RangeError') return nothingSaid;
      const problem = thrown.message === 'Invalid string length' ? 'is too long' : 'is nested too deeply';
      return { message: `The JavaScript gave a value that ${problem} to be kept`, malformed: true };
    } catch {
      return nothingSaid;
    }
  };
  const finish = (result) => {
    let json;
    try {
      const { customDataChanged, data } = scope ?? {};
      const answer = { ...result, console: lines };
      if (customDataChanged) answer.customData = data.customData;
      if (data?.staticDataUsed) answer.staticData = data.staticData;
      json = wellFormed(stringify(answer, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
    } catch (thrown) {
      json = stringify({ error: unwritable(thrown) });
    }
    quietly(hostFinish, json);
  };

  /** Where in the program an error came from. n8n looks at the innermost frame that has a name. */
  function lineOf(error) {
    const stack = error.stack;
    if (typeof stack !== 'string') return undefined;
    const match = /\(workflow-code:(\d+)/.exec(stack) ?? /workflow-code:(\d+)/.exec(stack);
    return match ? Number(match[1]) : undefined;
  }

  realm.lineOf = lineOf;

  /** $input of a program that runs for each item, which has no business with all of them. */
  class EachInput extends Input {
    #refuse(name) {
      const line = lineOf(new Error()) ?? 1;
      throw new ExpressionError(`Can't use .${name}() here [line ${line}, for item ${scope.index}]`, {
        description: "This is only available in 'Run Once for All Items' mode",
        line,
        malformed: true,
      });
    }
    get first() {
      return this.#refuse('first');
    }
    get last() {
      return this.#refuse('last');
    }
    get all() {
      return this.#refuse('all');
    }
  }

  /** The first line of what an error says, and the type that it gives itself, both as the head of its stack has them. */
  function headOf({ message, stack }) {
    const head = typeof stack === 'string' ? stack.split(/\n +at /, 1)[0] : '';
    const [, type, said] = /^([^:\n]*):([^]*)$/.exec(head) ?? [undefined, undefined, message || 'Unknown error'];
    return { type: type === 'Error' ? undefined : type, said: type === undefined ? said : said.trim().split('\n', 1)[0].trim() };
  }

  function messageOf(thrown) {
    if (thrown instanceof ExpressionError) {
      const { message, description, itemIndex, line, kind, malformed } = thrown;
      return { message, description, itemIndex: itemIndex ?? scope.index, line, kind, malformed };
    }
    if (typeof thrown !== 'object' || thrown === null) {
      const message = stringify(thrown);
      return message === undefined ? nothingSaid : { message };
    }
    if (typeof thrown.message !== 'string') return { message: stringify(thrown) };
    // What n8n does not give a line: errors that the engine of the language makes by itself, far from any program.
    if (realm.isHostError(thrown)) return { message: thrown.message, name: thrown.name };
    const line = thrown.message.startsWith('A dynamic import callback') ? undefined : lineOf(thrown);
    const { type, said } = headOf(thrown);
    const message = line === undefined ? said : `${said} [line ${line}]`.trim();
    return { message, description: type, line, name: thrown.name };
  }

  function describe(thrown, itemIndex) {
    try {
      const { name, ...said } = messageOf(thrown);
      return { itemIndex, ...said, name: typeof name === 'string' ? name : undefined };
    } catch {
      return { ...nothingSaid, itemIndex };
    }
  }

  const staticData = (type) => {
    if (type !== 'global' && type !== 'node') {
      throw new ExpressionError('Unknown context type. Only `global` and `node` are supported.');
    }
    scope.data.staticDataUsed = true;
    return ((scope.data.staticData ??= {})[type] ??= {});
  };

  function defineVariables() {
    for (const [name, read] of Object.entries(variables)) defineLazily(name, () => read(scope));
    for (const name of ['$secrets', '$agentInfo', '$evaluation', '$tool']) define(name, undefined);
    defineLazily('$input', () => new Input(scope, true));
    define('$getWorkflowStaticData', staticData);
    define('$evaluateExpression', () => {
      throw new ExpressionError("$evaluateExpression can't be used in the Code node while task runners run in secure mode");
    });
  }

  async function runForAll(program, namesItems) {
    if (namesItems) {
      let files;
      defineLazily('$binary', () => (files ??= realm.copyOf(scope.item?.binary ?? {})));
    } else {
      for (const name of ['$binary', '$data']) define(name, undefined);
    }
    defineLazily('items', () => scope.items);
    try {
      const returned = await apply(program, globalThis, []);
      finish({ returned: returned === null ? [] : returned });
    } catch (thrown) {
      finish({ error: describe(thrown) });
    }
  }

  function jsonOf(returned) {
    if (typeof returned !== 'object' && typeof returned !== 'function') return returned;
    if ('json' in returned) return returned.json;
    return 'binary' in returned ? {} : returned;
  }

  function entryOf(returned, index) {
    const { binary } = returned;
    return { json: jsonOf(returned), pairedItem: { item: index }, ...(binary ? { binary } : {}) };
  }

  async function runForEach(program, continueOnFail) {
    defineLazily('item', () => scope.item);
    defineLazily('$input', () => new EachInput(scope, true));
    const entries = [];
    for (const index of scope.items.keys()) {
      scope.index = index;
      try {
        const returned = await apply(program, globalThis, []);
        if (returned) entries.push(entryOf(returned, index));
      } catch (thrown) {
        const error = describe(thrown, index);
        if (!continueOnFail || error.malformed) {
          finish({ error });
          return;
        }
        entries.push({ json: { error: error.message }, pairedItem: { item: index } });
      }
    }
    finish({ entries });
  }

  return {
    run(program, eachItem, continueOnFail, namesItems, text) {
      scope = new Scope(parse(text));
      scope.isCode = true;
      realm.itemsOfProgram = () => scope.items;
      defineVariables();
      if (eachItem) runForEach(program, continueOnFail);
      else runForAll(program, namesItems);
    },
    reply: realm.reply,
    fire(id) {
      const timer = timers.get(id);
      if (!timer) return;
      const { callback, given, repeat, wait } = timer;
      if (repeat) quietly(hostSetTimer, id, wait);
      else timers.delete(id);
      try {
        apply(callback, undefined, given);
      } catch (thrown) {
        finish({ error: describe(thrown) });
      }
    },
  };
}
