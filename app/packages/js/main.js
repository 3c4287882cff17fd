// The program of a package process: `node main.js MODE STAND_IN`, started and watched by the worker. It speaks in
// frames on stdin and stdout; what packages print goes to stderr.
'use strict';

const { fenceProcess } = require('./fences.js');
const { standInFor } = require('./loading.js');

const [mode, standIn] = process.argv.slice(2);
fenceProcess();
standInFor(standIn);
require(mode === 'catalogue' ? './catalogue.js' : './serve.js').start();
