// What the code of packages must not do to the process that it runs in: write into its frames, or end it.
'use strict';

const os = require('node:os');
const util = require('node:util');

const exit = process.exit.bind(process);

function refuse(name) {
  return () => {
    throw new Error(`A node must not call process.${name}()`);
  };
}

/** Sends what is printed to stderr, keeps the process alive, and its temporary files in its own folder. */
function fenceProcess(scratch) {
  os.tmpdir = () => scratch;
  const print = (...given) => void process.stderr.write(`${util.format(...given)}\n`);
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir']) console[name] = print;
  Object.defineProperty(process, 'stdout', { get: () => process.stderr, configurable: true });
  for (const name of ['exit', 'abort', 'kill', 'reallyExit', 'chdir']) process[name] = refuse(name);
  process.on('uncaughtException', (error) => print(error));
  process.on('unhandledRejection', (error) => print(error));
}

module.exports = { exit, fenceProcess };
