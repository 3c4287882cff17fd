// The sandbox's program: `node main.js expressions` or `node main.js code`, started and watched by the worker.
// Whatever runs inside its contexts is hostile; nothing but strings crosses their border.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const root = path.dirname(__dirname);

/** Compiles a file that holds one function expression; load(context) gives that context's own copy of it. */
function realmFile(...names) {
  const file = path.join(root, ...names);
  const script = new vm.Script(fs.readFileSync(file, 'utf8'), { filename: `sandbox:${names.at(-1)}` });
  return (context) => script.runInContext(context);
}

/** Compiles a CommonJS library so that it can be evaluated inside a context: load(context)(module, exports, require). */
function realmLibrary(...names) {
  const file = path.join(root, 'node_modules', ...names);
  const source = `(function (module, exports, require) {${fs.readFileSync(file, 'utf8')}\n})`;
  const script = new vm.Script(source, { filename: `sandbox:${names[0]}` });
  return (context) => script.runInContext(context);
}

// At the end of the stack, V8 makes an error in the host's realm when a program asks for `error.stack`, and the program
// gets it. So all that such an error leads to is frozen (--frozen-intrinsics) and can make no code
// (--disallow-code-generation-from-strings); what the flag leaves out is frozen here.
const { get, set } = Object.getOwnPropertyDescriptor(new Error(), 'stack');
for (const accessor of [get, set]) if (accessor) Object.freeze(accessor);

const [mode] = process.argv.slice(2);
require(mode === 'expressions' ? './expressions.js' : './code.js').start({ realmFile, realmLibrary });
