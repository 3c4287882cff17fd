// Frames on stdin and stdout: length (u32, big endian, of what follows), request id (u32), kind (u8), payload.
// Knows nothing of what the payloads mean.
'use strict';

const fs = require('node:fs');
const v8 = require('node:v8');

const HEADER = 4;
// Kinds of frames from this process, and to it; see interpreter.py.
const [ANSWER, ENTER, LEAVE, PONG, ASK] = [0, 1, 2, 3, 4];
const [RUN, DROP, PING, REPLY] = [0, 1, 2, 3];

/** Bytes of an answer; the worker ends a process that sends more. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const TOO_LARGE = 'The JavaScript gave more than 64 MiB, the most that one answer may hold; no setting changes this';

/** Bytes of an answer that are copied to save a call of the system. */
const MAX_COPY_BYTES = 2 ** 16;

class FrameReader {
  #header = Buffer.alloc(HEADER);
  #body = null;
  #filled = 0;

  /** Takes the next bytes of the stream; calls onFrame(id, kind, payload) for every frame that they complete. */
  push(chunk, onFrame) {
    let offset = 0;
    while (offset < chunk.length) {
      const target = this.#body ?? this.#header;
      const count = Math.min(target.length - this.#filled, chunk.length - offset);
      chunk.copy(target, this.#filled, offset, offset + count);
      this.#filled += count;
      offset += count;
      if (this.#filled < target.length) continue;
      this.#filled = 0;
      if (target === this.#header) {
        this.#body = Buffer.allocUnsafe(this.#header.readUInt32BE(0));
      } else {
        this.#body = null;
        onFrame(target.readUInt32BE(0), target[4], target.subarray(5));
      }
    }
  }
}

function frameOf(id, kind, text) {
  const size = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(9 + size);
  frame.writeUInt32BE(5 + size, 0);
  frame.writeUInt32BE(id, 4);
  frame[8] = kind;
  frame.write(text, 9);
  return frame;
}

/** Returns when the kernel has all of it: a later crash cannot take it back. */
function write(bytes) {
  let offset = 0;
  while (offset < bytes.length) offset += fs.writeSync(1, bytes, offset);
}

const writeFrame = (id, kind, text) => write(frameOf(id, kind, text));

const fitsFrame = (text) => text.length * 3 <= MAX_ANSWER_BYTES || Buffer.byteLength(text) <= MAX_ANSWER_BYTES;

const answerOf = (text) => (fitsFrame(text) ? text : JSON.stringify({ error: { message: TOO_LARGE, kind: 'too_large' } }));

/** Writes an answer (JSON), or in the place of one that is too large that it is. */
const writeAnswer = (id, text) => writeFrame(id, ANSWER, answerOf(text));

/** Writes the answer of a request that ends with it, and LEAVE with what is held: together, so that the worker is woken once. */
function writeLastAnswer(id, text) {
  const answer = frameOf(id, ANSWER, answerOf(text));
  const leave = frameOf(id, LEAVE, heapUsed());
  if (answer.length > MAX_COPY_BYTES) {
    write(answer);
    write(leave);
  } else {
    write(Buffer.concat([answer, leave]));
  }
}

/** Bytes that JavaScript holds now, garbage included, as text. */
function heapUsed() {
  const { used_heap_size: used, external_memory: outside } = v8.getHeapStatistics();
  return `${used + outside}`;
}

module.exports = {
  ANSWER, ENTER, LEAVE, PONG, ASK, RUN, DROP, PING, REPLY, FrameReader, MAX_COPY_BYTES, fitsFrame, heapUsed, writeAnswer,
  writeFrame, writeLastAnswer,
};
