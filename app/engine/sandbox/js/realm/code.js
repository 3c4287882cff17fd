// Runs one Code node's program in a context of its own. Everything here is the program's own realm: what it breaks
// is its own run. The three functions of the host stay in this closure and get strings and numbers only.
(realm, hostFinish, hostSetTimer, hostClearTimer) => {
  'use strict';

  const { ExpressionError, ItemsError, Scope, variables, Input, itemsOf, oneItemOf, lines, define, defineLazily } = realm;
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
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.');
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

  let scope;
  const finish = (result) => {
    let json;
    try {
      const { customDataChanged, data } = scope ?? {};
      const answer = { ...result, console: lines };
      if (customDataChanged) answer.customData = data.customData;
      if (data?.staticDataUsed) answer.staticData = data.staticData;
      json = wellFormed(stringify(answer, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
    } catch {
      json = '{"error":{"message":"Unknown error"}}';
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

  /** $input of a program that runs for each item, which has no business with all of them. */
  class EachInput extends Input {
    #refuse(name) {
      const place = `line ${lineOf(new Error()) ?? 1}, for item ${scope.index}`;
      throw new ExpressionError(`Can't use .${name}() here [${place}]`, {
        description: "This is only available in 'Run Once for All Items' mode",
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

  function messageOf(thrown) {
    if (thrown instanceof ExpressionError || thrown instanceof ItemsError) {
      const { message, description, itemIndex, kind } = thrown;
      return { message, description, itemIndex, kind };
    }
    if (thrown === undefined) return { message: 'Unknown error' };
    if (typeof thrown !== 'object' || thrown === null) return { message: stringify(thrown) ?? String(thrown) };
    if (typeof thrown.message !== 'string') return { message: stringify(thrown) };
    // What n8n does not give a line: errors that the engine of the language makes by itself, far from any program.
    const line = thrown.message.startsWith('A dynamic import callback') ? undefined : lineOf(thrown);
    const message = thrown.message || 'Unknown error';
    return { message: line === undefined ? message : `${message} [line ${line}]`, line, name: thrown.name };
  }

  function describe(thrown, itemIndex) {
    try {
      const { name, ...said } = messageOf(thrown);
      return { itemIndex, ...said, name: typeof name === 'string' ? name : undefined };
    } catch {
      return { message: 'Unknown error', itemIndex };
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

  async function runForAll(program) {
    for (const name of ['$binary', '$data']) define(name, undefined);
    defineLazily('items', () => scope.items);
    try {
      const returned = await apply(program, globalThis, []);
      finish({ items: itemsOf(returned) });
    } catch (thrown) {
      finish({ error: describe(thrown) });
    }
  }

  async function runForEach(program, continueOnFail) {
    defineLazily('item', () => scope.item);
    defineLazily('$input', () => new EachInput(scope, true));
    const items = [];
    for (const index of scope.items.keys()) {
      scope.index = index;
      try {
        const item = oneItemOf(await apply(program, globalThis, []), index);
        if (item !== undefined) items.push(item);
      } catch (thrown) {
        const error = describe(thrown, index);
        if (!continueOnFail || thrown instanceof ItemsError) {
          finish({ error });
          return;
        }
        items.push({ json: { error: error.message }, pairedItem: { item: index } });
      }
    }
    finish({ items });
  }

  return {
    run(program, eachItem, continueOnFail, text) {
      scope = new Scope(parse(text));
      defineVariables();
      if (eachItem) runForEach(program, continueOnFail);
      else runForAll(program);
    },
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
