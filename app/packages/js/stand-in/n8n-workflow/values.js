// Small things that nodes do with values: JSON, copies, texts, pauses, checks of parameters.
'use strict';

const { randomBytes, randomInt: anyInt } = require('node:crypto');
const { UserError } = require('./errors.js');

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The value that a text holds. What it is when it holds none: `fallbackValue`, or an error that says `errorMessage`. */
function jsonParse(text, options = {}) {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (options.acceptJSObject || options.repairJSON) {
      try {
        return JSON.parse(repaired(text));
      } catch {
        // It says what is wrong with the text as it was given.
      }
    }
    if (options.fallbackValue !== undefined) return typeof options.fallbackValue === 'function' ? options.fallbackValue() : options.fallbackValue;
    if (options.errorMessage) throw new UserError(options.errorMessage);
    throw error;
  }
}

/** A text that is nearly JSON: with names and texts in no or single quotes, and commas too many. */
function repaired(text) {
  let made = '';
  for (const [part, , double, single, word, comma] of text.matchAll(PARTS)) {
    if (single !== undefined) made += JSON.stringify(single.replace(/\\'/g, "'"));
    else if (word !== undefined) made += CONSTANTS.has(word) ? word : JSON.stringify(word);
    else if (comma !== undefined) made += '';
    else made += double ?? part;
  }
  return made;
}
const PARTS = /(("(?:[^"\\]|\\.)*")|'((?:[^'\\]|\\.)*)'|([A-Za-z_$][\w$]*)|(,)(?=\s*[}\]])|[^])/g;
const CONSTANTS = new Set(['true', 'false', 'null']);

/** The value without what refers to itself, where `[Circular Reference]` stands. */
function replaceCircularReferences(value, seen = new WeakSet()) {
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return value;
  if (typeof value.toJSON === 'function') return value.toJSON();
  if (seen.has(value)) return '[Circular Reference]';
  seen.add(value);
  const made = Array.isArray(value) ? value.map((each) => replaceCircularReferences(each, seen)) : {};
  if (!Array.isArray(value)) for (const [name, each] of Object.entries(value)) made[name] = replaceCircularReferences(each, seen);
  seen.delete(value);
  return made;
}

const jsonStringify = (value, { replaceCircularRefs = false } = {}) =>
  JSON.stringify(replaceCircularRefs ? replaceCircularReferences(value) : value);

/** A copy of plain data; dates become texts. */
function deepCopy(value, copies = new WeakMap()) {
  if (typeof value !== 'object' || value === null) return value;
  if (typeof value.toJSON === 'function') return value.toJSON();
  if (copies.has(value)) return copies.get(value);
  const made = Array.isArray(value) ? [] : {};
  copies.set(value, made);
  for (const [name, each] of Object.entries(value)) made[name] = deepCopy(each, copies);
  return made;
}

function isObjectEmpty(value) {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.length === 0;
  return !(value instanceof Date) && Object.keys(value).length === 0;
}

const sleep = async (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function sleepWithAbort(milliseconds, signal) {
  signal?.throwIfAborted();
  await new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** A whole number from `low` to below `high`; with one argument, from 0. */
const randomInt = (low, high) => (high === undefined ? anyInt(low) : anyInt(low, high));

/** Letters and digits: so many, or a number of them from `shortest` to `longest`. */
function randomString(shortest, longest) {
  const length = longest === undefined ? shortest : anyInt(shortest, longest + 1);
  return Array.from(randomBytes(length), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

/** Each property with these conditions for being shown besides its own. */
const updateDisplayOptions = (displayOptions, properties) =>
  properties.map((property) => ({
    ...property,
    displayOptions: {
      ...property.displayOptions,
      ...displayOptions,
      ...(displayOptions.show || property.displayOptions?.show ? { show: { ...property.displayOptions?.show, ...displayOptions.show } } : {}),
    },
  }));

const ensureError = (thrown) => (thrown instanceof Error ? thrown : new Error('Error that was not an instance of Error was thrown', { cause: thrown }));

/** Throws where a parameter is not of its kind. */
const checkOf = (kind) => (name, value, node) => {
  if (typeof value !== kind || (kind === 'number' && Number.isNaN(value))) throw new UserError(`Parameter "${name}" is not ${kind}`, { extra: { node: node?.name } });
};

/** What an error tells of the execution that it comes from. */
function parseErrorMetadata(error) {
  const executionId = error?.errorResponse?.executionId ?? error?.executionId;
  const workflowId = error?.errorResponse?.workflowId ?? error?.workflowId;
  return executionId && workflowId ? { subExecution: { executionId, workflowId }, subExecutionsCount: 1 } : undefined;
}

module.exports = {
  assertParamIsBoolean: checkOf('boolean'),
  assertParamIsNumber: checkOf('number'),
  assertParamIsString: checkOf('string'),
  deepCopy,
  ensureError,
  isObjectEmpty,
  jsonParse,
  jsonStringify,
  parseErrorMetadata,
  randomInt,
  randomString,
  removeCircularRefs: (object) => Object.assign(object, replaceCircularReferences(object)),
  replaceCircularReferences,
  sleep,
  sleepWithAbort,
  updateDisplayOptions,
};
