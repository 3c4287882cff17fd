// What Node.js offers to look at a whole process (its modules, descriptors, promises, heap, connections) would show the
// code of one call what belongs to another. Called when this program is loaded, and no package yet.
'use strict';

const asyncHooks = require('node:async_hooks');
const channels = require('node:diagnostics_channel');
const fs = require('node:fs');
const http = require('node:http');
const httpAgent = require('_http_agent');
const https = require('node:https');
const Module = require('node:module');
const path = require('node:path');
const { PerformanceObserver, performance } = require('node:perf_hooks');
const tty = require('node:tty');
const v8 = require('node:v8');

const { current } = require('./calls.js');
const { OwnSet, OwnWeakMap } = require('./own.js');

const OF_DESCRIPTORS = ['close', 'read', 'readv', 'write', 'writev', 'ftruncate', 'readFile', 'writeFile', 'appendFile'];
const OF_THE_HEAP = ['getHeapSnapshot', 'writeHeapSnapshot', 'queryObjects', 'setHeapSnapshotNearHeapLimit', 'startCpuProfile'];
/** Entries about connections and requests, whosever they are. */
const OF_CONNECTIONS = new Set(['http', 'http2', 'net', 'dns', 'resource']);

/** Puts a function in the place of one, which keeps the name and what hangs on it. */
function replace(object, name, make) {
  const inner = object[name];
  const made = make(inner);
  for (const key of Reflect.ownKeys(inner)) {
    if (!['length', 'prototype'].includes(key)) Object.defineProperty(made, key, Object.getOwnPropertyDescriptor(inner, key));
  }
  object[name] = made;
}

/** Modules of this program stay, but nothing leads a package to them: what it requires of them is loaded anew. */
function hideModules() {
  const parts = path.join(__dirname, 'stand-in') + path.sep;
  const own = Object.keys(Module._cache).filter((file) => !file.startsWith(parts));
  for (const file of own) delete Module._cache[file];
  for (const module of Object.values(Module._cache)) module.parent = undefined;
  const { filename } = process.mainModule;
  process.mainModule = Object.assign(new Module(filename), { filename, loaded: true });
}

/** Descriptors over which this program speaks with its worker are no package's. */
function hideDescriptors(own, stdin) {
  const hidden = new OwnSet(own);
  const refuse = (name) => {
    throw Object.assign(new Error(`EBADF: bad file descriptor, ${name}`), { code: 'EBADF', errno: -9, syscall: name });
  };
  for (const name of OF_DESCRIPTORS.flatMap((each) => [each, `${each}Sync`])) {
    replace(fs, name, (inner) => function (descriptor, ...rest) {
      return hidden.has(descriptor) ? refuse(name) : inner.call(this, descriptor, ...rest);
    });
  }
  for (const name of ['ReadStream', 'WriteStream']) {
    const { prototype } = tty[name];
    const absent = function () {
      throw new Error('There is no terminal here');
    };
    tty[name] = prototype.constructor = Object.assign(absent, { prototype });
  }
  // What a socket makes of a descriptor, whichever function is asked for it.
  const pipe = stdin._handle?.constructor.prototype;
  if (pipe?.open) Object.defineProperty(pipe, 'open', { value: () => -9 });
}

/** No hook hears of promises and resources: those of all calls would come to it. */
function hideResources() {
  const nothing = () => {};
  const hook = () => ({ enable: () => hook(), disable: () => hook() });
  asyncHooks.createHook = hook;
  for (const name of Object.keys(v8.promiseHooks)) v8.promiseHooks[name] = () => nothing;
  process._getActiveHandles = process._getActiveRequests = () => [];
}

function hideHeap() {
  for (const name of OF_THE_HEAP) {
    v8[name] = () => {
      throw new Error(`v8.${name}() would show what belongs to other executions`);
    };
  }
  v8.setFlagsFromString = () => {};
}

/** Whoever publishes on a channel is alone on it, Node's own requests among them. */
function hideChannels() {
  const { Channel, tracingChannel } = channels;
  const named = (name, part) => new Channel(`tracing:${name}:${part}`);
  const parts = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
  channels.channel = (name) => new Channel(name);
  channels.subscribe = () => {};
  channels.unsubscribe = channels.hasSubscribers = () => false;
  channels.tracingChannel = (given) =>
    tracingChannel(typeof given === 'string' ? Object.fromEntries(parts.map((part) => [part, named(given, part)])) : given);
}

function hideTimings() {
  performance.setResourceTimingBufferSize(0);
  Object.getPrototypeOf(performance).setResourceTimingBufferSize = () => {};
  const { observe } = PerformanceObserver.prototype;
  PerformanceObserver.prototype.observe = function (options) {
    const { type, entryTypes = [type], ...rest } = options ?? {};
    const allowed = entryTypes.filter((each) => !OF_CONNECTIONS.has(each));
    if (allowed.length === entryTypes.length) return observe.call(this, options);
    return allowed.length ? observe.call(this, { ...rest, entryTypes: allowed }) : undefined;
  };
}

/** Each call has agents of its own, in which only its own connections are to be seen. */
function divideAgents() {
  for (const [module, { Agent }, settings] of [[httpAgent, http, http.globalAgent.options], [https, https, https.globalAgent.options]]) {
    const ofCalls = new OwnWeakMap();
    let shared = module.globalAgent;
    Object.defineProperty(module, 'globalAgent', {
      get() {
        const call = current();
        if (!call) return shared;
        if (!ofCalls.has(call)) {
          const agent = new Agent({ ...settings });
          ofCalls.set(call, agent);
          call.atEnd(() => agent.destroy());
        }
        return ofCalls.get(call);
      },
      set(agent) {
        const call = current();
        if (call) ofCalls.set(call, agent);
        else shared = agent;
      },
      configurable: true,
      enumerable: true,
    });
  }
}

/** `own` are the descriptors of this program, of which `stdin` is a stream. */
function hideNeighbours(own, stdin) {
  hideDescriptors(own, stdin);
  hideResources();
  hideHeap();
  hideChannels();
  hideTimings();
  divideAgents();
  hideModules();
  Module.syncBuiltinESMExports();
}

module.exports = { hideNeighbours };
