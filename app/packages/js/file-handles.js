// What `fs.promises.open` gives has methods for whichever descriptor it says that it has. Here it says always the one that
// was opened, and what only looks like it is refused: the descriptors of this program are no package's.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { OwnWeakMap } = require('./own.js');

const { defineProperty, getOwnPropertyDescriptor, getOwnPropertySymbols, getPrototypeOf } = Object;
const { apply, ownKeys } = Reflect;
const isPrototypeOf = Function.prototype.call.bind(Object.prototype.isPrototypeOf);

/** Handles that `open` has given -> the descriptor of each; -1 once it is closed. */
const opened = new OwnWeakMap();

function refused() {
  throw Object.assign(new Error('EBADF: bad file descriptor'), { code: 'EBADF', errno: -9 });
}

const checked = (method) =>
  function (...given) {
    return opened.has(this) ? apply(method, this, given) : refused();
  };

/** Not its `fd`, by which Node.js itself uses handles that it has opened for `readFile` and its kind. */
function fencePrototype(prototype) {
  for (const key of ownKeys(prototype)) {
    const { value, ...rest } = getOwnPropertyDescriptor(prototype, key);
    if (key === 'constructor') defineProperty(prototype, key, { value: refused, writable: false, configurable: false });
    else if (typeof value === 'function') defineProperty(prototype, key, { ...rest, value: checked(value) });
  }
}

/** Lets a handle stay with its descriptor, whatever is put in the place of its properties. */
function settle(handle, inner) {
  opened.set(handle, handle[inner]);
  const get = () => opened.get(handle);
  const set = (descriptor) => void (descriptor === -1 && opened.set(handle, -1));
  for (const key of ['fd', inner]) defineProperty(handle, key, { get, set, configurable: false });
  return handle;
}

/** To be called before any package is loaded; `folder` is one in which this process may write. */
async function fenceFileHandles(folder) {
  const { open, unlink } = fs.promises;
  const file = path.join(folder, '.handle');
  const first = await open(file, 'w');
  const symbol = (name) => getOwnPropertySymbols(first).find(({ description }) => description === name);
  const [native, inner, prototype] = [first[symbol('kHandle')], symbol('kFd'), getPrototypeOf(first)];
  await first.close();
  await unlink(file);
  defineProperty(getPrototypeOf(native), 'constructor', { value: refused, writable: false, configurable: false });
  fencePrototype(prototype);
  fs.promises.open = async (...given) => settle(await open(...given), inner);
  for (const name of ['readFile', 'writeFile', 'appendFile']) {
    const method = fs.promises[name];
    fs.promises[name] = async (place, ...rest) =>
      isPrototypeOf(prototype, place) && !opened.has(place) ? refused() : method(place, ...rest);
  }
}

module.exports = { fenceFileHandles };
