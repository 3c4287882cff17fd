// The sandbox's program, in one of two modes: `expressions` or `code`; started and watched by the worker.
// Whatever runs inside its contexts is hostile; nothing but strings crosses their border.
'use strict';

const vm = require('node:vm');

// At the end of the stack, V8 makes an error in the host's realm when a program asks for `error.stack`, and the program
// gets it. So all that such an error leads to is frozen (--frozen-intrinsics) and can make no code
// (--disallow-code-generation-from-strings); what the flag leaves out is frozen here.
const { get, set } = Object.getOwnPropertyDescriptor(new Error(), 'stack');
for (const accessor of [get, set]) if (accessor) Object.freeze(accessor);

function start(mode, files) {
  /** Compiles a file that holds one function expression; load(context) gives that context's own copy of it. */
  function realmFile(name) {
    const script = new vm.Script(files[`js/realm/${name}.js`], { filename: `sandbox:${name}` });
    return (context) => script.runInContext(context);
  }

  /** Compiles a CommonJS library so that it can be evaluated inside a context: load(context)(module, exports, require). */
  function realmLibrary(path) {
    const source = `(function (module, exports, require) {${files[`node_modules/${path}`]}\n})`;
    const script = new vm.Script(source, { filename: `sandbox:${path.split('/')[0]}` });
    return (context) => script.runInContext(context);
  }

  const program = mode === 'expressions' ? require('./expressions.js') : require('./code.js');
  program.start({ realmFile, realmLibrary });
}

module.exports = { start };
