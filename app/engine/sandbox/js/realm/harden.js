// Makes a context that many evaluations share unchangeable: what one of them does, the next cannot see.
(realm) => {
  'use strict';

  const { freeze, getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Object;

  // Deleted from the global scope, but what the language makes by itself would still lead to it.
  const { Promise } = globalThis;

  // The registry of the language belongs to the whole process and forgets nothing; this one lasts for one request.
  const symbols = new Map();
  realm.forget = () => {
    if (symbols.size > 0) symbols.clear();
    realm.forgetDates();
  };
  defineProperty(Symbol, 'for', {
    value(key) {
      const name = `${key}`;
      if (!symbols.has(name)) {
        const symbol = Symbol(name);
        symbols.set(name, symbol).set(symbol, name);
      }
      return symbols.get(name);
    },
  });
  defineProperty(Symbol, 'keyFor', { value: (symbol) => symbols.get(typeof symbol === 'symbol' ? symbol : undefined) });

  // Nothing here may run later than the evaluation itself, share memory, or keep a trace of it.
  for (const name of ['Promise', 'WebAssembly', 'Atomics', 'SharedArrayBuffer', 'FinalizationRegistry', 'WeakRef', 'console', 'eval', 'escape', 'unescape']) {
    delete globalThis[name];
  }
  delete Array.fromAsync;
  for (const name of Reflect.ownKeys(RegExp)) {
    const descriptor = getOwnPropertyDescriptor(RegExp, name);
    if (descriptor.get && typeof name === 'string') delete RegExp[name];
  }
  delete RegExp.prototype.compile;
  defineProperty(Error, 'prepareStackTrace', { value: undefined });
  defineProperty(Error, 'captureStackTrace', { value: undefined });
  defineProperty(Error, 'stackTraceLimit', { value: 0 });

  /**
   * A frozen prototype's data property forbids assigning to the same name on what inherits it (`error.message = ...`);
   * as an accessor it lets the assignment through to the object itself.
   */
  function assignable(prototype) {
    for (const name of Reflect.ownKeys(prototype)) {
      const { value, writable, enumerable } = getOwnPropertyDescriptor(prototype, name);
      if (!writable) continue;
      defineProperty(prototype, name, {
        enumerable,
        get: () => value,
        set(given) {
          if (this === prototype) throw new TypeError('Cannot change a built-in');
          defineProperty(this, name, { value: given, writable: true, enumerable: true, configurable: true });
        },
      });
    }
  }
  for (const prototype of [Object.prototype, Error.prototype]) assignable(prototype);

  const seen = new Set();
  function freezeAll(value) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
    seen.add(value);
    // Typed arrays with elements cannot be frozen, and none is reachable.
    freeze(value);
    freezeAll(getPrototypeOf(value));
    for (const key of Reflect.ownKeys(value)) {
      const { value: held, get, set } = getOwnPropertyDescriptor(value, key);
      freezeAll(held);
      freezeAll(get);
      freezeAll(set);
    }
  }

  const reachableBySyntax = [
    function* () {},
    async () => {},
    async function* () {},
    [][Symbol.iterator](),
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    ''[Symbol.iterator](),
    ''.matchAll(/x/g),
    /x/[Symbol.matchAll](''),
    new Intl.Segmenter().segment(''),
    new Intl.Segmenter().segment('')[Symbol.iterator](),
    Iterator.from({ next() {} }),
    [].values().map((x) => x),
    Object.getPrototypeOf(Int8Array),
    new Error(),
    Promise,
  ];
  for (const value of [...reachableBySyntax, realm, globalThis]) freezeAll(value);
}
