// The calls that a process has taken: which one the running code belongs to, what it asks the worker, how it ends.
'use strict';

const { createHook } = require('node:async_hooks');
const { writeSync } = require('node:fs');

const { ASK, STREAM, fitsFrame, writeFrame } = require('./frames.js');
const { OwnMap, OwnSet, OwnStorage } = require('./own.js');
const { Queue } = require('./queue.js');

// As it is before any package is loaded.
const { parse, stringify } = JSON;

const MAX_LINES = 1000;
const MAX_LINE_LENGTH = 10_000;

/** So many questions of a call are with the worker at once; the next wait here. It ends a call that has far more there. */
const MAX_ASKED = 1000;

const storage = new OwnStorage();
const calls = new OwnMap();

/** One thing that the worker wants done. `request` is what it said. */
class Call {
  #asked = new OwnMap();
  #unsent = new Queue();
  #lastAsked = 0;
  #cancel = new AbortController();
  #endings = new OwnSet();
  #fail;
  lines = [];

  /** Rejects with what nobody has caught. */
  failed = new Promise((_, reject) => (this.#fail = reject));

  constructor(id, request) {
    this.id = id;
    this.request = request;
    this.failed.catch(() => {});
  }

  get signal() {
    return this.#cancel.signal;
  }

  /** What the worker answers to a question; rejects with what it says is wrong. */
  ask(name, given) {
    return new Promise((resolve, reject) => {
      const text = this.#question(name, given);
      const number = this.#lastAsked;
      const send = () => {
        this.#asked.set(number, { resolve, reject });
        writeFrame(this.id, ASK, text);
      };
      if (this.#asked.size < MAX_ASKED) send();
      else this.#unsent.add(send);
    });
  }

  #sendNext() {
    if (this.#asked.size < MAX_ASKED) this.#unsent.take()?.();
  }

  /** The same without coming back to the event loop; `wait(id)` gives the next reply to this call. */
  askNow(name, given, wait) {
    writeFrame(this.id, ASK, this.#question(name, given));
    const number = this.#lastAsked;
    let settled;
    this.#asked.set(number, { resolve: (value) => (settled = { value }), reject: (error) => (settled = { error }) });
    while (!settled) this.reply(wait(this.id));
    if (settled.error) throw settled.error;
    return settled.value;
  }

  #question(name, given) {
    this.#lastAsked += 1;
    const text = stringify({ call: this.#lastAsked, name, given });
    if (!fitsFrame(text)) throw new Error('What the node sends is larger than 64 MiB; no setting changes this');
    return text;
  }

  reply(text) {
    const { call, result, bytes, error } = parse(text);
    const waiting = this.#asked.get(call);
    if (!waiting) return;
    this.#asked.delete(call);
    this.#sendNext();
    if (error) waiting.reject(errorOf(error));
    else waiting.resolve(typeof bytes === 'string' ? { ...result, body: Buffer.from(bytes, 'base64') } : result);
  }

  /** Sends a frame of this call's own connections. */
  stream(payload) {
    writeFrame(this.id, STREAM, payload);
  }

  print(line) {
    if (this.lines.length < MAX_LINES) this.lines.push(line.slice(0, MAX_LINE_LENGTH));
  }

  /** Ends the call with an error that its code has thrown where nobody waits for it. */
  fail(error) {
    this.#fail(error);
  }

  /** Has `end` called when the call is over; gives what takes that back. */
  atEnd(end) {
    this.#endings.add(end);
    return () => this.#endings.delete(end);
  }

  /** The call is over: nobody waits for it, and all that it holds is closed. */
  close() {
    this.#cancel.abort();
    this.#endings.forEach((end) => end());
    this.#endings.clear();
    this.#unsent.clear();
  }
}

function errorOf({ message, ...details }) {
  const error = new Error(message);
  for (const [name, value] of Object.entries(details)) {
    Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: name !== 'name' });
  }
  return error;
}

/** The node whose code runs: the call, or one of its sub-nodes. */
const asking = () => storage.getStore();

/** The call that the running code belongs to. */
const current = () => asking()?.main ?? asking();

// The worker reads from an open file for which call this process works, when it has to blame one for a hang.

const written = Buffer.alloc(4);
let marks;
let marked = 0;

function mark() {
  const id = storage.getStore()?.id ?? 0;
  if (id === marked) return;
  marked = id;
  written.writeUInt32BE(id);
  writeSync(marks, written, 0, 4, 0);
}

const hook = createHook({ before: mark });

/** Leaves marks in that open file. */
function leaveMarks(file) {
  marks = file;
}

/** Runs `work` as a part of the call. */
function within(call, work) {
  return storage.run(call, () => {
    mark();
    return work();
  });
}

/** Takes a call; from when there are several until there is none, each step of each is marked. */
function take(call) {
  calls.set(call.id, call);
  if (calls.size === 2) hook.enable();
}

/** Lets go of a call; false where it was let go of already. */
function drop(call) {
  const known = calls.delete(call.id);
  if (calls.size === 0) hook.disable();
  return known;
}

module.exports = { Call, asking, calls, current, drop, errorOf, leaveMarks, take, within };
