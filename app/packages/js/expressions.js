// Expressions that stand in a package's own description, such as `={{$credentials.host}}/v1`. They are the package's
// code; what workflows say comes here as values of the variables only.
'use strict';

const compiled = new Map();
const NAMES = ['$credentials', '$value', '$parameter', '$parent', '$index', '$request', '$response', '$responseItem', '$version',
  '$self', '$pageCount', '$json', '$workflow', '$execution', '$nodeVersion', 'toPathSegment'];

/** What no expression may hide. */
class NoSegment extends Error {
  name = 'Error';
}

/** A value as one segment of a path. Throws for what is none. */
function toPathSegment(value) {
  if (value === null || value === undefined) throw new NoSegment('Invalid identifier: a value is required');
  const text = String(value);
  if (['', '.', '..'].includes(text)) throw new NoSegment(`Invalid identifier: "${text}" is not allowed`);
  return encodeURIComponent(text);
}

function compile(code) {
  if (!compiled.has(code)) compiled.set(code, new Function(...NAMES, `return (${code}\n);`));
  return compiled.get(code);
}

function run(code, variables) {
  const work = compile(code);
  try {
    return work(...NAMES.map((name) => (name === 'toPathSegment' ? toPathSegment : variables[name])));
  } catch (error) {
    if (error instanceof NoSegment) throw error;
    return undefined;
  }
}

/** The text cut at its {{ }}: what stands outside and inside of them in turn. */
function piecesOf(text) {
  const pieces = [];
  let position = 0;
  for (;;) {
    const begin = text.indexOf('{{', position);
    const end = begin < 0 ? -1 : text.indexOf('}}', begin + 2);
    if (end < 0) break;
    pieces.push(text.slice(position, begin), text.slice(begin + 2, end));
    position = end + 2;
  }
  return [...pieces, text.slice(position)];
}

const isExpression = (value) => typeof value === 'string' && value.startsWith('=');

/** What a value of a description gives, all that is in it included; what is no expression stays as it is. */
function evaluate(value, variables) {
  if (Array.isArray(value)) return value.map((each) => evaluate(each, variables));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [evaluate(name, variables), evaluate(each, variables)]));
  }
  if (!isExpression(value)) return value;
  const text = value.slice(1).trim();
  if (isOne(text)) return run(text.slice(2, -2), variables);
  const parts = piecesOf(text);
  if (parts.length === 3 && parts[0] === '' && parts[2] === '') return run(parts[1], variables);
  return parts.map((part, place) => (place % 2 ? written(run(part, variables)) : part)).join('');
}

/** Whether a text is one single expression, in which braces may stand together. */
function isOne(text) {
  if (!text.startsWith('{{') || !text.endsWith('}}')) return false;
  try {
    compile(text.slice(2, -2));
    return true;
  } catch {
    return false;
  }
}

const written = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

module.exports = { evaluate, isExpression };
