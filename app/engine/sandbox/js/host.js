// What code inside a context may ask of the host: pure functions from strings to a string.
// Each gets primitives only and is reached only through the closure that realm/bridge.js makes of it.
'use strict';

const { createHash } = require('node:crypto');

const strict = new TextDecoder('utf-8', { fatal: true });

const SEQUENCE = /[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}/g;
const characterOf = (sequence) => {
  const code = [...Buffer.from(sequence, 'latin1')].reduce(
    (sum, byte, place) => (place === 0 ? byte & (0x7f >> sequence.length) : sum * 64 + (byte & 0x3f)), 0);
  return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code);
};

/** The text that the bytes spell in UTF-8; of bytes that spell none, what does, and each of the others as a character. */
function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return bytes.toString('latin1').replace(SEQUENCE, characterOf);
  }
}

const operations = {
  base64Encode: (text) => Buffer.from(text, 'utf8').toString('base64'),
  base64Decode: (text) => textOf(Buffer.from(text, 'base64')),
  base64FromLatin1: (text) => Buffer.from(text, 'latin1').toString('base64'),
  latin1FromBase64: (text) => Buffer.from(text, 'base64').toString('latin1'),
  utf8Encode: (text) => Buffer.from(text, 'utf8').toString('latin1'),
  knowsEncoding: (encoding) => {
    try {
      return new TextDecoder(encoding) && 'yes';
    } catch {
      return 'no';
    }
  },
  decode: (binary, encoding) => new TextDecoder(encoding).decode(Buffer.from(binary, 'latin1')),
  titleCase: (text) => require('title-case').titleCase(text),
  transliterate: (text) => require('transliteration').transliterate(text, { unknown: '?' }),
  hash: (text, algorithm) => createHash(algorithm === 'sha3' ? 'sha3-512' : algorithm).update(text).digest('hex'),
};

/** Never throws: an exception would be an object of the host. */
function answer(operation, text, argument) {
  try {
    return operations[operation](text, argument);
  } catch {
    return undefined;
  }
}

module.exports = { answer };
