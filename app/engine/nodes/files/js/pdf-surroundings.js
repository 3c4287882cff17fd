// What pdf.js expects of its surroundings and a confined program has not: as little of it as reading text needs.

/** Copies what goes from one half of pdf.js to the other, so that neither changes what the other holds. */
function structuredClone(value, options, seen = new Map()) {
  if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError('This cannot be cloned');
  if (typeof value !== 'object' || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  const inner = (each) => structuredClone(each, options, seen);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return keep(value.slice());
  if (value instanceof Date) return keep(new Date(value));
  if (value instanceof RegExp) return keep(new RegExp(value));
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [key, each] of value) copy.set(inner(key), inner(each));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const each of value) copy.add(inner(each));
    return copy;
  }
  const copy = keep(Array.isArray(value) ? new Array(value.length) : value instanceof Error ? new Error(value.message) : {});
  for (const key of Object.keys(value)) copy[key] = inner(value[key]);
  return copy;
}

/** One producer, one reader, chunks in order. */
class ReadableStream {
  #chunks = [];
  #waiting = [];
  #end;
  #pull;
  #most;
  #pulling = false;
  constructor({ start, pull, cancel } = {}, { highWaterMark = 1 } = {}) {
    this.cancel = async (reason) => cancel?.(reason);
    this.#most = highWaterMark;
    const stream = this;
    const controller = {
      get desiredSize() {
        return stream.#most - stream.#chunks.length;
      },
      enqueue: (chunk) => {
        const waiting = this.#waiting.shift();
        if (waiting) waiting.resolve({ value: chunk, done: false });
        else this.#chunks.push(chunk);
      },
      close: () => this.#finish({ done: true }),
      error: (error) => this.#finish({ error }),
    };
    this.#pull = async () => {
      if (this.#pulling || this.#end) return;
      this.#pulling = true;
      try {
        await pull?.(controller);
      } catch (error) {
        controller.error(error);
      }
      this.#pulling = false;
    };
    Promise.resolve(start?.(controller)).then(this.#pull, controller.error);
  }
  #finish(end) {
    this.#end ??= end;
    for (const waiting of this.#waiting.splice(0)) this.#tell(waiting);
  }
  #tell({ resolve, reject }) {
    if (this.#end.error) reject(this.#end.error);
    else resolve({ value: undefined, done: true });
  }
  getReader() {
    return {
      read: () => {
        const answer = Promise.withResolvers();
        if (this.#chunks.length > 0) answer.resolve({ value: this.#chunks.shift(), done: false });
        else if (this.#end) this.#tell(answer);
        else this.#waiting.push(answer);
        this.#pull();
        return answer.promise;
      },
      cancel: this.cancel,
      releaseLock() {},
      closed: Promise.resolve(),
    };
  }
}

class AbortSignal extends Object {
  aborted = false;
  addEventListener() {}
  removeEventListener() {}
  throwIfAborted() {}
}
class AbortController {
  signal = new AbortSignal();
  abort() {}
}
class DOMMatrix {}
class DOMException extends Error {}
class URL {
  constructor() {
    throw new TypeError('Invalid URL');
  }
}
class URLSearchParams {
  append() {}
  delete() {}
  forEach() {}
  get() {}
  getAll() {
    return [];
  }
  has(name, value) {
    return value === undefined;
  }
}
const navigator = { platform: '', userAgent: '', language: 'en-US' };
Object.assign(globalThis, { structuredClone, ReadableStream, AbortController, AbortSignal, DOMMatrix, DOMException, URL, URLSearchParams, navigator });
