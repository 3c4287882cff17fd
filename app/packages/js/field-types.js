// The types that descriptions and schemas give to values: whether a value is of one, and what it becomes.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

const { jsonParse } = require('./stand-in/n8n-workflow/values.js');

const NOT = Symbol('not of the type');
const DATE_HINT =
  ' <br/><br/> Consider using <a href="https://moment.github.io/luxon/api-docs/index.html#datetimefromformat" target="_blank"><code>DateTime.fromFormat</code></a> to work with custom date formats.';

const isPlainObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a value is of a type as it stands. */
const isOf = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  array: Array.isArray,
  object: isPlainObject,
};

const convert = {
  string: (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)),
  number: (value) => (Number.isNaN(Number(value)) ? NOT : Number(value)),
  boolean: toBoolean,
  array: (value) => parsed(value, Array.isArray),
  object: (value) => parsed(value, isPlainObject),
  url: toUrl,
  'string-alphanumeric': (value) => (/^[A-Za-z_]\w*$/.test(value) && typeof value === 'string' ? value : NOT),
  time: (value) => (TIME.test(String(value)) ? String(value) : NOT),
  datetime: toDate,
};
const TIME = /^\d{2}:\d{2}(?::\d{2})?(?:[-+]\d{4})?(?:[-+]\d{1,2}(?::\d{2})?)?$/;

function toBoolean(value) {
  const text = String(value).toLowerCase();
  if (['true', 'false'].includes(text)) return text === 'true';
  if (text.trim() === '') return NOT;
  return { 0: false, 1: true }[Number(value)] ?? NOT;
}

function parsed(value, fits) {
  if (fits(value)) return value;
  try {
    const made = jsonParse(String(value), { acceptJSObject: true });
    return fits(made) ? made : NOT;
  } catch {
    return NOT;
  }
}

/** An address; one that names no scheme is of the web. */
function toUrl(value) {
  const text = typeof value === 'string' && !value.includes('://') ? `https://${value}` : value;
  return typeof text === 'string' && URL.canParse(text) ? text : NOT;
}

/** A time as the package's own library for times has it; where it brings none, as it was written. */
function toDate(value, { DateTime } = {}) {
  const text = String(value).trim();
  const milliseconds = value instanceof Date ? value.getTime() : Date.parse(text);
  if (!DateTime) return Number.isNaN(milliseconds) ? NOT : value;
  if (DateTime.isDateTime(value)) return value;
  const read = [(each) => DateTime.fromISO(each, { setZone: true }), DateTime.fromHTTP, DateTime.fromRFC2822, DateTime.fromSQL];
  const found = read.map((each) => each(text)).find(({ isValid }) => isValid) ?? DateTime.fromMillis(milliseconds);
  return found.isValid ? found : NOT;
}

/** The library of that name as the package sees it; undefined where it brings none. */
function libraryOf({ folder, file } = {}, name) {
  try {
    return createRequire(path.join(folder, file))(name);
  } catch {
    return undefined;
  }
}

/**
 * { value } of a field of that type, or { problem } in words. It is converted, unless that is `strict`; to a text only
 * where `texts` are wanted. `where` is the package, whose library for times is used.
 */
function checked(name, value, { type, options = [] }, where, { strict = false, texts = false } = {}) {
  const kind = String(type).toLowerCase();
  const wrong = `'${name}' expects a ${type} but we got ${shown(value)}`;
  if (kind === 'options') {
    if (options.some((option) => option.value === value)) return { value };
    return { problem: `'${name}' expects one of the following values: [${options.map((option) => option.value).join(', ')}] but we got ${shown(value)}` };
  }
  if (!Object.hasOwn(convert, kind) || (kind === 'string' && !texts)) return { value };
  if (strict && isOf[kind] && !isOf[kind](value)) return { problem: wrong };
  const made = convert[kind](value, kind === 'datetime' ? libraryOf(where, 'luxon') : undefined);
  if (made !== NOT) return { value: made };
  if (kind === 'string-alphanumeric') return { problem: 'Value is not a valid alphanumeric string, only letters, numbers and underscore allowed' };
  if (kind === 'time') return { problem: `'${name}' expects time (hh:mm:(:ss)) but we got ${shown(value)}.` };
  return { problem: kind === 'datetime' ? wrong + DATE_HINT : wrong };
}

const shown = (value) => (Array.isArray(value) ? 'array' : typeof value === 'object' ? 'object' : `'${String(value)}'`);

module.exports = { checked, isPlainObject };
