// Stands at the head of an open file, from which `node -e` reads it: reads the program behind it and starts that, so
// that the process needs no right to read files. Arguments: the mode, the open file, the bytes of this head and those
// of the program, open files to be closed. `require` is given.
'use strict';

const fs = require('node:fs');
const vm = require('node:vm');

const [mode, ...numbers] = process.argv.slice(1);
const [file, head, size, ...others] = numbers.map(Number);
const bytes = Buffer.allocUnsafe(size);
// The place is given: the file is open in other processes, too, and what one reads would move them all.
for (let at = 0; at < size; ) at += fs.readSync(file, bytes, at, size - at, head + at);
for (const each of [file, ...others]) fs.closeSync(each);
const { files, names } = JSON.parse(bytes.toString());

const loaded = new Map();

function load(path) {
  if (loaded.has(path)) return loaded.get(path).exports;
  const module = { exports: {} };
  loaded.set(path, module);
  const known = names[path];
  const need = (name) => (Object.hasOwn(known, name) ? load(known[name]) : require(name));
  const script = new vm.Script(`(function (module, exports, require) {${files[path]}\n})`, { filename: `sandbox:${path}` });
  script.runInThisContext().call(module.exports, module, module.exports, need);
  return module.exports;
}

load('js/main.js').start(mode, files);
