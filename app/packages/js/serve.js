// Takes calls and answers them, many at once. What a call is about, its `kind` tells.
'use strict';

const { readSync } = require('node:fs');
const { setImmediate } = require('node:timers');

const { Call, calls, current, drop, leaveMarks, take, within } = require('./calls.js');
const { shown } = require('./errors.js');
const { fenceFileHandles } = require('./file-handles.js');
const { ANSWER, DROP, ENTER, FrameReader, LEAVE, PING, PONG, REPLY, RUN, STREAM, fitsFrame, heapUsed, pause, writeFrame } = require('./frames.js');
const { toJson } = require('./json.js');
const { kinds } = require('./kinds.js');
const { hideNeighbours } = require('./neighbours.js');
const network = require('./network.js');
const { countSources, sourceBytes } = require('./sources.js');
const { readTrusted } = require('./trust.js');

// As they are before any package is loaded, which may put its own in their place.
const { parse, stringify } = JSON;
const race = Promise.race.bind(Promise);

const TOO_LARGE = 'The node gave more than 64 MiB, the most that one call may give; no setting changes this';

/** In the place of the bytes that it holds: this process is to take no more calls. */
const FULL = 'full';
let mostSource = Infinity;

/** Frames that have come and wait for their turn. */
const waiting = [];
const reader = new FrameReader();
const chunk = Buffer.allocUnsafe(1 << 16);

const push = (bytes) => reader.push(bytes, (...frame) => waiting.push(frame));

function handle(id, kind, payload) {
  if (kind === PING) return writeFrame(id, PONG, '');
  // One that was taken back before its turn does not begin.
  if (kind === RUN) return waiting.some(([other, next]) => other === id && next === DROP) ? undefined : void run(id, payload);
  const call = calls.get(id);
  if (!call) return undefined;
  if (kind === STREAM) within(call, () => network.received(call, payload));
  else if (kind === REPLY) within(call, () => call.reply(payload.toString()));
  else if (kind === DROP && drop(call)) call.close();
  return undefined;
}

async function run(id, payload) {
  const call = new Call(id, parse(payload.toString()));
  take(call);
  writeFrame(id, ENTER, '');
  const answer = await within(call, async () => {
    try {
      const { kind } = call.request;
      if (!Object.hasOwn(kinds, kind)) throw new Error(`This is no call that a package process knows: ${kind}`);
      const given = toJson({ lines: call.lines, ...(await race([kinds[kind](call), call.failed])) });
      return fitsFrame(given) ? given : stringify({ error: { message: TOO_LARGE } });
    } catch (error) {
      return stringify({ lines: call.lines, error: shown(error) });
    }
  });
  if (drop(call)) writeFrame(id, ANSWER, answer);
  call.close();
  writeFrame(id, LEAVE, sourceBytes() > mostSource ? FULL : heapUsed());
}

/** Handles one frame. What follows from it goes on as far as it can before the next: the first to ask is the first. */
function work() {
  const frame = waiting.shift();
  if (!frame) return;
  if (waiting.length) setImmediate(work);
  handle(...frame);
}

/** The next reply to a call, read at once; other frames wait for their turn. */
function nextReply(id) {
  for (;;) {
    const place = waiting.findIndex(([other, kind]) => other === id && (kind === REPLY || kind === DROP));
    if (place >= 0) {
      const [[, kind, payload]] = waiting.splice(place, 1);
      if (kind === DROP) throw new Error('The execution was ended');
      return payload.toString();
    }
    let count = 0;
    try {
      count = readSync(0, chunk);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
      continue;
    }
    if (count === 0) throw new Error('The worker is gone');
    push(chunk.subarray(0, count));
    setImmediate(work);
  }
}

/** Starts to take calls; after one that leaves more than `code` bytes of files loaded (0: any) there is no next one. */
async function start({ exit, listen, stdin, marks, code, scratch }) {
  leaveMarks(marks);
  mostSource = code || Infinity;
  countSources();
  network.fence(readTrusted(scratch));
  await fenceFileHandles(scratch);
  hideNeighbours([0, 1, marks], stdin);
  Call.prototype.askAtOnce = function (name, given) {
    return this.askNow(name, given, nextReply);
  };
  listen('uncaughtException', (error) => {
    const call = current();
    // What the call itself has made of it by then counts.
    if (call) setImmediate(() => call.fail(error));
  });
  stdin.on('data', (bytes) => {
    push(bytes);
    work();
  });
  stdin.on('end', () => exit(0));
  writeFrame(0, ANSWER, '');
}

module.exports = { start };
