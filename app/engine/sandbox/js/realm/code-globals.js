// What a Code node finds in its global scope besides the language and n8n's variables.
(realm) => {
  'use strict';

  const { host } = realm;
  const { apply } = Reflect;
  const { stringify } = JSON;
  const fromCharCode = String.fromCharCode;
  const MAX_LINES = 1000;
  const MAX_LINE = 10_000;

  // The host calls this with its own call sites, so it must stay this function; and a program sees its own frames only.
  const prepareStackTrace = (error, frames) => {
    let stack;
    try {
      stack = `${error}`;
      for (let i = 0, inside = false; i < frames.length; i++) {
        const file = frames[i].getFileName();
        if (file === 'workflow-code') inside = true;
        else if (inside && typeof file === 'string') break;
        if (inside) stack += `\n    at ${frames[i]}`;
      }
    } catch {
      stack ??= 'Error';
    }
    return stack;
  };
  Object.defineProperty(Error, 'prepareStackTrace', { value: prepareStackTrace });
  Object.defineProperty(globalThis, 'Error', { value: Error, writable: false, configurable: false });
  for (const name of ['WebAssembly', 'Atomics', 'SharedArrayBuffer', 'FinalizationRegistry', 'WeakRef', 'console']) {
    delete globalThis[name];
  }

  // The registry of the language belongs to the whole process and forgets nothing.
  const symbols = new Map();
  const { get: symbolOf, set: keepSymbol } = Map.prototype;
  const registry = {
    for(key) {
      const name = `${key}`;
      let symbol = apply(symbolOf, symbols, [name]);
      if (symbol === undefined) {
        symbol = Symbol(name);
        apply(keepSymbol, symbols, [name, symbol]);
        apply(keepSymbol, symbols, [symbol, name]);
      }
      return symbol;
    },
    keyFor(symbol) {
      if (typeof symbol !== 'symbol') throw new TypeError(`${String(symbol)} is not a symbol`);
      return apply(symbolOf, symbols, [symbol]);
    },
  };
  for (const name of ['for', 'keyFor']) {
    Object.defineProperty(Symbol, name, { value: registry[name], writable: true, configurable: true });
  }

  const lines = [];
  const textOf = (value) => {
    try {
      if (typeof value === 'string') return value;
      if (value instanceof Error) return value.stack ?? value.message;
      return typeof value === 'object' && value !== null ? stringify(value) : String(value);
    } catch {
      return '[object]';
    }
  };
  const log = (...values) => {
    if (lines.length >= MAX_LINES) return;
    lines.push(values.map(textOf).join(' ').slice(0, MAX_LINE));
  };
  realm.lines = lines;

  /** Each character of a binary string is one byte. */
  const bytesOf = (binary) => {
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  };
  const binaryOf = (source) => {
    const bytes = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source ?? 0);
    let binary = '';
    for (let i = 0; i < bytes.length; i += 8192) binary += apply(fromCharCode, undefined, bytes.subarray(i, i + 8192));
    return binary;
  };

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      return bytesOf(host('utf8Encode', text, ''));
    }
  }

  class TextDecoder {
    #encoding;
    constructor(encoding = 'utf-8') {
      if (host('knowsEncoding', encoding, '') !== 'yes') {
        throw realm.hostError(RangeError, `The "${encoding}" encoding is not supported`, 'ERR_ENCODING_NOT_SUPPORTED');
      }
      this.#encoding = `${encoding}`.toLowerCase();
    }
    get encoding() {
      return this.#encoding;
    }
    decode(source) {
      return host('decode', binaryOf(source), this.#encoding);
    }
  }

  const atob = (text) => {
    const given = `${text}`.replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(given)) throw realm.characterError('Invalid character');
    if (given.replace(/={1,2}$/, '').length % 4 === 1) {
      throw realm.characterError('The string to be decoded is not correctly encoded.');
    }
    return host('latin1FromBase64', text, '');
  };
  const btoa = (text) => {
    if (/[^\0-\xff]/.test(`${text}`)) throw realm.characterError('Invalid character');
    return host('base64FromLatin1', text, '');
  };

  const require = (name) => {
    const error = new Error(`Module '${name}' is disallowed`);
    const line = realm.lineOf(error);
    if (line !== undefined) error.message += ` [line ${line}]`;
    throw error;
  };
  // What a program's text is given in the place of what it must not hold; see imports.js.
  const $noImport = () => Promise.reject(new TypeError('A dynamic import callback was not specified.'));
  const OwnRegExp = RegExp;
  const $regularExpression = (pattern, flags) => new OwnRegExp(pattern, flags);
  const templates = [];
  const $strings = (place, cooked, raw) =>
    (templates[place] ??= Object.freeze(Object.defineProperty(cooked, 'raw', { value: Object.freeze(raw) })));

  const define = (name, value, enumerable = true) =>
    Object.defineProperty(globalThis, name, { value, enumerable, writable: true, configurable: true });
  const defineLazily = (name, make) =>
    Object.defineProperty(globalThis, name, {
      enumerable: true,
      configurable: true,
      get: make,
      set: (value) => define(name, value),
    });

  define('require', require);
  define('console', { log, info: log, warn: log, error: log, debug: log, trace: log, dir: log, table: log });
  define('TextEncoder', TextEncoder);
  define('TextDecoder', TextDecoder);
  define('atob', atob);
  define('btoa', btoa);
  define('module', { exports: {} });
  define('global', globalThis);
  for (const [name, value] of Object.entries({ $noImport, $regularExpression, $strings })) define(name, value, false);
  defineLazily('Buffer', () => realm.Buffer);
  realm.define = define;
  realm.defineLazily = defineLazily;
}
