// The frames of the sandbox, and what only package processes send and get.
'use strict';

const { writeSync } = require('node:fs');

const frames = require('../../engine/sandbox/js/frames.js');

/** A frame of a connection, both ways; see network.js. */
const STREAM = 16;

/** Writes one frame, and waits for the pipe where the worker does not read as fast. */
function writeFrame(id, kind, payload) {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(9 + body.length);
  frame.writeUInt32BE(5 + body.length, 0);
  frame.writeUInt32BE(id, 4);
  frame[8] = kind;
  body.copy(frame, 9);
  let offset = 0;
  while (offset < frame.length) {
    try {
      offset += writeSync(1, frame, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

module.exports = { ...frames, STREAM, pause, writeFrame };
