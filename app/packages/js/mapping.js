// What a resource mapper's fields hold, checked against the types that its schema tells, and converted where its user
// wants that.
'use strict';

const { errorOf } = require('./calls.js');
const { checked, isPlainObject } = require('./field-types.js');

/**
 * The fields as the schema of their mapper wants them. Throws for the first that is not of its type: n8n looks at the
 * mapper's ignoreTypeMismatchErrors in its editor, and not here. `property` describes the mapper; `about` is the call's
 * request.
 */
function mapped(fields, mapper, property, item, about) {
  if (property?.type !== 'resourceMapper' || mapper?.mappingMode === undefined || !isPlainObject(fields)) return fields;
  const schema = new Map((mapper.schema ?? []).map((entry) => [entry.id, entry]));
  const adds = property.typeOptions?.resourceMapper?.mode === 'add';
  const refuse = (name, problem) => {
    const context = { runIndex: about.runIndex ?? 0, itemIndex: item, nodeCause: about.node?.name };
    const message = `Invalid input for '${name}' [item ${item}]`;
    throw errorOf({ message, name: 'ExpressionError', description: problem, functionality: 'regular', level: 'warning', tags: {}, context });
  };
  const made = {};
  for (const [name, value] of Object.entries(fields)) {
    const entry = schema.get(name);
    const nothing = value === null || value === undefined;
    if (nothing && adds && entry?.required === true && entry.type !== 'boolean') refuse(name, `The value "${name}" is required but not set`);
    const { value: found, problem } = entry?.type && !nothing ? checked(name, value, entry, mapper, about.package) : { value };
    if (problem !== undefined) refuse(name, problem);
    // Nothing is undefined where the schema tells a type.
    made[name] = nothing && entry?.type ? undefined : found;
  }
  return made;
}

module.exports = { mapped };
