// What nodes return, as JSON.
'use strict';

/** So many values are looked at where some lie within themselves: ways through them may be without number. */
const MAX_VALUES = 1_000_000;

/** As it is before any package is loaded. */
const { stringify } = JSON;

/** As JSON.stringify, which what it refuses is put in words for, as n8n does: large integers, and what lies within itself. */
function toJson(value) {
  try {
    return stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return stringify(value, inWords());
  }
}

/** A replacer; `this` of each call is the object that holds the value, so that those above it are known. */
function inWords() {
  const above = [];
  let seen = 0;
  return function (name, value) {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    while (above.length && above.at(-1) !== this) above.pop();
    if (above.includes(value)) return '[Circular Reference]';
    seen += 1;
    if (seen > MAX_VALUES) throw new Error('The node gave objects that lie within themselves in too many ways');
    above.push(value);
    return value;
  };
}

module.exports = { toJson };
