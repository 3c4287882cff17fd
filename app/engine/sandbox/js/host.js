// What code inside a context may ask of the host: pure functions from strings to a string.
// Each gets primitives only and is reached only through the closure that realm/bridge.js makes of it.
'use strict';

const { createHash } = require('node:crypto');

const strict = new TextDecoder('utf-8', { fatal: true });

/** The text that the bytes spell in UTF-8, or, when they do not, each byte as one character. */
function textOf(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

const operations = {
  base64Encode: (text) => Buffer.from(text, 'utf8').toString('base64'),
  base64Decode: (text) => textOf(Buffer.from(text, 'base64')),
  base64FromLatin1: (text) => Buffer.from(text, 'latin1').toString('base64'),
  latin1FromBase64: (text) => Buffer.from(text, 'base64').toString('latin1'),
  utf8Encode: (text) => Buffer.from(text, 'utf8').toString('latin1'),
  knowsEncoding: (encoding) => (new TextDecoder(encoding) ? 'yes' : 'no'),
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
