// Reads and writes by path, as packages write them: `options.filter[0].name`.
'use strict';

const NEVER = new Set(['__proto__', 'constructor', 'prototype']);

/** The steps of a path; one that is a list already is taken as it is. */
function stepsOf(path) {
  if (Array.isArray(path)) return path.map(String);
  return [...String(path).matchAll(/[^.[\]]+|\[(?:([^"'[\]]+)|(["'])((?:(?!\2).)*)\2)\]/g)].map(([all, index, , quoted]) => quoted ?? index ?? all);
}

function get(value, path, otherwise) {
  if (typeof path === 'string' && value !== null && typeof value === 'object' && Object.hasOwn(value, path)) return value[path];
  let found = value;
  for (const step of stepsOf(path)) {
    if (found === null || found === undefined || NEVER.has(step)) return otherwise;
    found = found[step];
  }
  return found === undefined ? otherwise : found;
}

function set(target, path, value) {
  const steps = stepsOf(path);
  if (steps.some((step) => NEVER.has(step))) return target;
  let place = target;
  steps.slice(0, -1).forEach((step, index) => {
    if (typeof place[step] !== 'object' || place[step] === null) place[step] = /^\d+$/.test(steps[index + 1]) ? [] : {};
    place = place[step];
  });
  place[steps.at(-1)] = value;
  return target;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);

/** Puts the second into the first, objects into objects. */
function merge(target, source) {
  for (const [name, value] of Object.entries(source ?? {})) {
    if (NEVER.has(name) || value === undefined) continue;
    if (isObject(value) && isObject(target[name])) merge(target[name], value);
    else target[name] = isObject(value) ? merge({}, value) : value;
  }
  return target;
}

module.exports = { get, isObject, merge, set, stepsOf };
