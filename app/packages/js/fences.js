// What the code of packages must not do to the process that it runs in: write into its frames, or end it.
'use strict';

const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const { URL, fileURLToPath } = require('node:url');
const threads = require('node:worker_threads');
const util = require('node:util');

const exit = process.exit.bind(process);

/** So much of what was printed waits for the worker; what comes on top is dropped, as it would fill the memory. */
const MAX_UNREAD = 1 << 20;

function refuse(name) {
  return () => {
    throw new Error(`A node must not call process.${name}()`);
  };
}

/** In the place of a thread, which none may start: who listens is told so, and who only sends lines to it loses them. */
class NoThread extends EventEmitter {
  constructor() {
    super();
    setImmediate(() => this.listenerCount('error') && this.emit('error', new Error('Packages may not start threads here')));
  }

  postMessage() {}

  ref() {}

  unref() {}

  async terminate() {
    return 1;
  }
}

/** Gives a path in the process's own folder as it is: what lies above that folder may not be looked at. */
function fencePaths(scratch) {
  const isOwn = (file) => typeof file === 'string' && (file === scratch || file.startsWith(scratch + path.sep));
  const { exists, existsSync, realpath, realpathSync } = fs;
  // What must not be looked at is not there: these tell yes or no, and never throw elsewhere.
  fs.existsSync = (file) => {
    try {
      return existsSync(file);
    } catch {
      return false;
    }
  };
  fs.exists = Object.defineProperties((file, done) => {
    try {
      exists(file, done);
    } catch (error) {
      if (error.code !== 'ERR_ACCESS_DENIED') throw error;
      process.nextTick(done, false);
    }
  }, Object.getOwnPropertyDescriptors(exists));
  const whole = (file) => {
    const found = path.resolve(file);
    if (isOwn(found)) fs.statSync(found);
    return isOwn(found) ? found : undefined;
  };
  fs.realpathSync = Object.assign((file, options) => (isOwn(file) && whole(file)) || realpathSync(file, options), realpathSync);
  fs.realpath = Object.assign((file, ...rest) => {
    if (!isOwn(file)) return realpath(file, ...rest);
    try {
      const found = whole(file);
      return found ? process.nextTick(rest.at(-1), null, found) : realpath(file, ...rest);
    } catch (error) {
      return process.nextTick(rest.at(-1), error);
    }
  }, realpath);
}

const absent = (name) => Object.assign(new Error(`Cannot find module '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });

/** The file that an import names by its path; nothing for other names. */
function fileOf(specifier, { conditions, parentURL }) {
  if (!conditions?.includes('import') || !/^(?:file:|\.{0,2}\/)/.test(specifier)) return undefined;
  const url = URL.parse(specifier, parentURL);
  return url?.protocol === 'file:' ? fileURLToPath(url) : undefined;
}

/** Lets no search for a module tell what lies in folders that must not be read: Node does not ask for permission there. */
function fenceModules() {
  const { permission } = process;
  const [may, look, find] = [permission.has.bind(permission), Module._stat, Module.findPackageJSON];
  Module._stat = (file) => (may('fs.read', file) ? look(file) : -2);
  Module.findPackageJSON = (specifier, base) => {
    const found = find(specifier, base);
    if (found !== undefined && !may('fs.read', found)) throw absent(specifier);
    return found;
  };
  Module.registerHooks({
    resolve(specifier, context, nextResolve) {
      const file = fileOf(specifier, context);
      if (file !== undefined && !may('fs.read', file)) throw absent(specifier);
      return nextResolve(specifier, context);
    },
  });
}

/** What this program itself listens for stays; and what nobody has caught is no matter of a package, but of its call. */
function fenceListeners() {
  const own = new Set();
  const isOurs = (name) => name === 'uncaughtException' || name === 'unhandledRejection';
  const { on, removeListener } = process;
  for (const name of ['addListener', 'on', 'once', 'prependListener', 'prependOnceListener']) {
    const add = process[name];
    process[name] = (event, listener) => (isOurs(event) ? process : add.call(process, event, listener));
  }
  process.setUncaughtExceptionCaptureCallback = () => {};
  process.off = process.removeListener = (event, listener) => (own.has(listener) ? process : removeListener.call(process, event, listener));
  process.removeAllListeners = (event) => {
    for (const name of event === undefined ? process.eventNames() : [event]) {
      for (const listener of process.rawListeners(name)) process.off(name, listener);
    }
    return process;
  };
  return (event, listener) => {
    own.add(listener);
    on.call(process, event, listener);
  };
}

/** Lets a stream forget what its reader is too slow for. */
function bound(stream) {
  const { write } = stream;
  stream.write = (text, ...rest) => {
    if (stream.writableLength < MAX_UNREAD) return write.call(stream, text, ...rest);
    const done = rest.at(-1);
    if (typeof done === 'function') process.nextTick(done);
    return false;
  };
}

/**
 * Sends what is printed to stderr, keeps the process alive, and its temporary files in its own folder. Gives what only
 * this program has from now on: { stdin, listen(event, listener) }.
 */
function fenceProcess(scratch) {
  os.tmpdir = () => scratch;
  fencePaths(scratch);
  fenceModules();
  const { stderr, stdin } = process;
  bound(stderr);
  const print = (...given) => void stderr.write(`${util.format(...given)}\n`);
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir']) console[name] = print;
  Object.defineProperty(process, 'stdout', { get: () => stderr, configurable: true });
  const nothing = Readable.from([]);
  Object.defineProperty(process, 'stdin', { get: () => nothing, configurable: true });
  for (const name of ['exit', 'abort', 'kill', '_kill', 'reallyExit', 'chdir']) process[name] = refuse(name);
  threads.Worker = NoThread;
  Module.syncBuiltinESMExports();
  const listen = fenceListeners();
  listen('uncaughtException', (error) => print(error));
  listen('unhandledRejection', (error) => print(error));
  return { stdin, listen };
}

module.exports = { exit, fenceProcess };
