// The parameters of one run of a node. The worker has put in defaults and evaluated all expressions: `holes` are the
// paths where they stand, `rows` what they gave for each item, `failed` [row, hole, error] of those that gave an error,
// `nothing` [row, hole, what] of those that gave undefined or no number. `filters` are what conditions came to.
'use strict';

const { errorOf } = require('./calls.js');
const { get, stepsOf } = require('./paths.js');
const { typedProperties, validated } = require('./validation.js');

const HOLE = Symbol('hole');

class Parameters {
  #filled = [];
  #failed = new Map();
  #filters;

  constructor(request, description) {
    const { parameters, holes = [], rows = [], failed = [], nothing = [], filters = [] } = request;
    this.request = request;
    this.raw = parameters;
    this.description = description;
    this.holes = holes;
    this.rows = rows;
    this.tree = new Map();
    this.#filters = new Map(filters.map(({ path, results }) => [path.join('.'), results]));
    holes.forEach((path, index) => grow(this.tree, path.map(String), index));
    // What JSON could not hold.
    for (const [row, hole, what] of nothing) rows[row][hole] = what === 'undefined' ? undefined : Number(what);
    for (const [row, hole, error] of failed) {
      if (!this.#failed.has(row)) this.#failed.set(row, []);
      this.#failed.get(row).push([holes[hole].map(String), error]);
    }
  }

  /** All parameters of an item. */
  of(item) {
    if (!this.holes.length) return this.raw;
    const row = Math.min(item, this.rows.length - 1);
    return (this.#filled[row] ??= fill(this.raw, this.tree, this.rows[row] ?? []));
  }

  /** One parameter of an item, by its path; `options` are n8n's: extractValue, ensureType, rawExpressions, skipValidation. */
  get(path, item, fallback, options = {}) {
    if (options.rawExpressions) return get(this.raw, path, fallback);
    const steps = stepsOf(path);
    this.#refuseFailed(steps, item);
    const isSet = get(this.raw, path) !== undefined;
    let value = copy(get(this.of(item), path, isSet ? undefined : fallback));
    if (value === undefined && !isSet) throw new Error(`Could not get parameter "${path}"`);
    if (options.extractValue) value = this.extract(value, steps, item);
    if (options.ensureType) value = ensure(value, options.ensureType, path);
    return options.skipValidation ? value : this.#validated(value, steps, item);
  }

  #validated(value, steps, item) {
    const named = typedProperties(this.description.properties).get(steps[0]);
    const property = named?.find((each) => this.isShown(each, item));
    return property ? validated(value, steps, property, this.of(item)[steps[0]], item, this.request) : value;
  }

  #refuseFailed(steps, item) {
    for (const [path, error] of this.#failed.get(item) ?? []) {
      if (steps.every((step, index) => index >= path.length || path[index] === step)) throw errorOf(error);
    }
  }

  /** What a resource locator stands for, and whether a filter's conditions hold; other values as they are. */
  extract(value, steps, item) {
    const holds = this.#filters.get(steps.join('.'))?.[item] ?? null;
    if (holds?.error) throw errorOf(holds.error);
    if (holds !== null) return holds;
    const property = propertyAt(this.description.properties ?? [], steps, (each) => this.isShown(each, item));
    const located = typeof value === 'object' && value !== null && value.__rl;
    const mode = located ? property?.modes?.find(({ name }) => name === value.mode) : undefined;
    const text = located ? value.value : value;
    const rule = mode?.extractValue ?? property?.extractValue;
    if (rule?.type !== 'regex' || typeof text !== 'string') return text;
    const found = new RegExp(`^${rule.regex}$`).exec(text) ?? new RegExp(rule.regex).exec(text);
    if (!found) throw new Error(`ERROR: ${property.displayName} parameter's value is invalid. Please enter a valid ${mode?.displayName ?? property.displayName}.`);
    return found[1] ?? found[0];
  }

  isShown(property, item, values = this.of(item)) {
    return isShown(property, values, this.of(item), this.version);
  }
}

/** A value of its own: nodes change what they get. */
function copy(value) {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const made = {};
  for (const name of Object.keys(value)) made[name] = copy(value[name]);
  return made;
}

function grow(tree, [step, ...rest], index) {
  if (!tree.has(step)) tree.set(step, new Map());
  if (rest.length) grow(tree.get(step), rest, index);
  else tree.get(step).set(HOLE, index);
}

function fill(value, tree, row) {
  if (tree.has(HOLE)) return row[tree.get(HOLE)];
  const copy = Array.isArray(value) ? [...value] : { ...value };
  for (const [step, below] of tree) copy[step] = fill(value[step], below, row);
  return copy;
}

/** The description of a parameter, by its path. */
function propertyAt(properties, [step, ...rest], shown) {
  const entries = (list) => (Array.isArray(list) ? list : []);
  const named = entries(properties).filter((each) => each?.name === step);
  const property = named.find(shown) ?? named[0];
  const further = rest.filter((each) => !/^\d+$/.test(each));
  if (!property || !further.length) return property;
  const below = property.type === 'fixedCollection' ? entries(property.options).find((each) => each?.name === further[0])?.values : property.options;
  return propertyAt(below ?? [], property.type === 'fixedCollection' ? further.slice(1) : further, () => true);
}

const plainValue = (value) => (typeof value === 'object' && value !== null && value.__rl ? value.value : value);

const compare = {
  eq: (value, wanted) => value === wanted,
  not: (value, wanted) => value !== wanted,
  gte: (value, wanted) => value >= wanted,
  lte: (value, wanted) => value <= wanted,
  gt: (value, wanted) => value > wanted,
  lt: (value, wanted) => value < wanted,
  between: (value, { from, to }) => value >= from && value <= to,
  startsWith: (value, wanted) => String(value).startsWith(wanted),
  endsWith: (value, wanted) => String(value).endsWith(wanted),
  includes: (value, wanted) => String(value).includes(wanted),
  regex: (value, wanted) => new RegExp(wanted).test(String(value)),
  exists: (value) => value !== null && value !== undefined && value !== '',
};

const matches = (value, wanted) => {
  const condition = wanted?._cnd;
  if (condition === undefined) return value === wanted;
  const [[name, operand] = []] = Object.entries(condition);
  return Boolean(compare[name]?.(value, operand));
};

/** Whether a property is shown beside these values; `root` holds all of the node's. */
function isShown({ displayOptions }, values, root, version) {
  const valuesOf = (name) => {
    if (name === '@version') return [version];
    if (name.startsWith('@')) return [undefined];
    const found = name.startsWith('/') ? get(root, name.slice(1)) : get(values, name);
    return (Array.isArray(found) ? found : [found]).map(plainValue);
  };
  const any = ([name, wanted]) => valuesOf(name).some((value) => wanted.some((each) => matches(value, each)));
  const { show, hide } = displayOptions ?? {};
  return Object.entries(show ?? {}).every(any) && !Object.entries(hide ?? {}).some(any);
}

function ensure(value, type, path) {
  const wrong = () => new Error(`Parameter '${path}' could not be converted to ${type}`);
  if (value === null || value === undefined) throw wrong();
  switch (type) {
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'number':
      if (Number.isNaN(Number(value))) throw wrong();
      return Number(value);
    case 'boolean':
      return Boolean(value);
    case 'array':
    case 'object':
    case 'json': {
      const made = typeof value === 'string' ? parse(value, wrong) : value;
      if (type === 'array' ? !Array.isArray(made) : typeof made !== 'object') throw wrong();
      return made;
    }
    default:
      return value;
  }
}

function parse(text, wrong) {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong();
  }
}

module.exports = { Parameters, isShown };
