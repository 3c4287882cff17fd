// Counts the text of the files that are loaded, which V8 holds for as long as anything of them is alive: with what is
// made of it, it is most of what a process with many nodes takes.
'use strict';

const Module = require('node:module');

/** V8 takes two bytes for each letter of a text that has one of these. */
const WIDE = /[^\x00-\xff]/;

let held = 0;

/** Counts the files that are loaded from now on; of ES modules nothing is known. */
function countSources() {
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (text, ...rest) {
    if (typeof text === 'string') held += WIDE.test(text) ? text.length * 2 : text.length;
    return compile.call(this, text, ...rest);
  };
}

/** How many bytes the texts take. */
const sourceBytes = () => held;

module.exports = { countSources, sourceBytes };
