// The program of a package process: `node main.js MODE STAND_IN SCRATCH CODE [MARKS]`, started and watched by the worker. It
// speaks in frames on stdin and stdout; what packages print goes to stderr.
'use strict';

const { fenceAddons } = require('./addons.js');
const { exit, fenceProcess } = require('./fences.js');
const { standInFor } = require('./loading.js');

const [mode, standIn, scratch, code, marks] = process.argv.slice(2);
const own = fenceProcess(scratch);
fenceAddons();
standInFor(standIn);
require(mode === 'catalogue' ? './catalogue.js' : './serve.js').start({ ...own, exit, code: Number(code), marks: Number(marks), scratch });
