// Compiled parts of libraries do not run here: what would be one fails when it is used, and not when it is loaded, so
// that a package works as far as it can without it.
'use strict';

const Module = require('node:module');
const path = require('node:path');

function absent(name) {
  const refuse = () => {
    throw new Error(`${name} is a compiled library, which node packages cannot use here`);
  };
  const known = new Map();
  return new Proxy(function Absent() {}, {
    get(target, key) {
      if (key === 'prototype' || typeof key === 'symbol') return target[key];
      if (key === 'then') return undefined;
      if (!known.has(key)) known.set(key, absent(`${name}.${key}`));
      return known.get(key);
    },
    apply: refuse,
    construct: refuse,
  });
}

/** Lets compiled libraries be loaded without being there. */
function fenceAddons() {
  Module._extensions['.node'] = (module, file) => {
    module.exports = absent(path.basename(file));
  };
  const load = Module._load;
  Module._load = function (request, parent, isMain) {
    // These look for a compiled library beside their caller, and fail where nobody has built one.
    if (request === 'bindings' || request === 'node-gyp-build') return (name) => absent(String(name?.bindings ?? name));
    return load.call(this, request, parent, isMain);
  };
}

module.exports = { fenceAddons };
