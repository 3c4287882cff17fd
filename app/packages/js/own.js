// Classes whose methods are their own: what a package makes of `Map.prototype` and its kind sees nothing that this program
// keeps in them.
'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

function withOwnMethods(Kind) {
  const Own = class extends Kind {};
  for (const name of Reflect.ownKeys(Kind.prototype)) {
    if (name !== 'constructor') Object.defineProperty(Own.prototype, name, Object.getOwnPropertyDescriptor(Kind.prototype, name));
  }
  return Own;
}

module.exports = {
  OwnMap: withOwnMethods(Map),
  OwnSet: withOwnMethods(Set),
  OwnStorage: withOwnMethods(AsyncLocalStorage),
  OwnWeakMap: withOwnMethods(WeakMap),
};
