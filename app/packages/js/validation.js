// What parameters hold, checked against the types that the node's description (`validateType`), or the schema of a
// resource mapper, gives to them, and converted to these.
'use strict';

const { errorOf } = require('./calls.js');
const { checked, isPlainObject } = require('./field-types.js');

/** Throws as n8n does. `about` is the call's request. */
function refuse(message, problem, item, about) {
  const context = { runIndex: about.runIndex ?? 0, itemIndex: item, nodeCause: about.node?.name };
  throw errorOf({ message, name: 'ExpressionError', description: problem, functionality: 'regular', level: 'warning', tags: {}, context });
}

const isValidated = ({ validateType, ignoreValidationDuringExecution }) => validateType && !ignoreValidationDuringExecution;

const NONE = [];
const typed = new WeakMap();

/** The properties of each name of which some may tell a type: few of many, since each parameter is looked for here. */
function typedProperties(properties = NONE) {
  if (!typed.has(properties)) {
    const names = new Set(properties.filter(mayTellType).map(({ name }) => name));
    typed.set(properties, Map.groupBy(properties.filter(({ name }) => names.has(name)), ({ name }) => name));
  }
  return typed.get(properties);
}

const mayTellType = ({ type, validateType, options }) =>
  validateType || type === 'resourceMapper' || (/^(?:fixedC|c)ollection$/.test(type) && options?.some((each) => each.validateType || each.values?.some((inner) => inner.validateType)));

/**
 * The value at `steps` as its description wants it; `property` describes the first of them, `filled` is what that one
 * holds. Nothing is undefined where a type is told. Throws for what is not of its type.
 */
function validated(value, steps, property, filled, item, about) {
  const [, second] = steps;
  if (steps.length === 1 && isValidated(property)) return ofType(value, property, item, about);
  if (property.type === 'resourceMapper' && steps.length === 2 && second === 'value') return mapped(value, filled, property, item, about);
  if (property.type === 'collection' && steps.length === 1) return entries(value, property, property.options, item, about);
  if (property.type === 'fixedCollection' && steps.length === 2) {
    return entries(value, property, property.options?.find(({ name }) => name === second)?.values, item, about);
  }
  return value;
}

function ofType(value, { name, displayName, validateType }, item, about) {
  if (value === null || value === undefined) return undefined;
  // The options of a parameter are looked at within collections alone, as in n8n.
  if (validateType === 'options') return value;
  const { value: found, problem } = checked(name, value, { type: validateType }, about.package);
  if (problem !== undefined) refuse(`Invalid input for '${displayName}' [item ${item}]`, problem, item, about);
  return found;
}

/** The entries of a collection, or of each of several; changed in place. */
function entries(value, { displayName }, described, item, about) {
  const wanted = new Map((described ?? []).filter(isValidated).map((each) => [each.name, each]));
  if (!wanted.size) return value;
  for (const entry of (Array.isArray(value) ? value : [value]).filter(isPlainObject)) {
    for (const name of Object.keys(entry).filter((each) => wanted.has(each))) {
      const { validateType: type, displayName: called, options } = wanted.get(name);
      const nothing = entry[name] === null || entry[name] === undefined;
      const { value: found, problem } = nothing ? {} : checked(name, entry[name], { type, options }, about.package);
      if (problem !== undefined) refuse(`Invalid input for field '${called}' inside '${displayName}' in [item ${item}]`, problem, item, about);
      entry[name] = found;
    }
  }
  return value;
}

/**
 * The fields as the schema of their mapper wants them. How strict it is counts where the node lets its users choose
 * that; else what can be converted is. n8n looks at the mapper's ignoreTypeMismatchErrors in its editor, and not here.
 */
function mapped(fields, mapper, property, item, about) {
  if (mapper?.mappingMode === undefined || !isPlainObject(fields)) return fields;
  const schema = new Map((mapper.schema ?? []).map((entry) => [entry.id, entry]));
  const { mode, showTypeConversionOptions: chosen } = property.typeOptions?.resourceMapper ?? {};
  const how = chosen ? { strict: !mapper.attemptToConvertTypes, texts: mapper.convertFieldsToString } : {};
  const made = {};
  for (const [name, value] of Object.entries(fields)) {
    const entry = schema.get(name);
    const nothing = value === null || value === undefined;
    const missed = nothing && mode === 'add' && entry?.required === true && entry.type !== 'boolean';
    const { value: found, problem } = missed
      ? { problem: `The value "${name}" is required but not set` }
      : entry?.type && !nothing ? checked(name, value, entry, about.package, how) : { value };
    if (problem !== undefined) refuse(`Invalid input for '${name}' [item ${item}]`, problem, item, about);
    made[name] = nothing && entry?.type ? undefined : found;
  }
  return made;
}

module.exports = { typedProperties, validated };
