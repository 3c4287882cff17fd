// What a node offers in forms: the options of a parameter, a list to search in, the fields of a table.
'use strict';

const { contextOf } = require('./context.js');
const { nodeOf } = require('./loading.js');
const { runDescribed } = require('./routing.js');

/** What `this` is there: a parameter is asked for without an item, and `&name` is one beside that which is filled in. */
function formContext(call, description, path) {
  const context = contextOf(call, description);
  const { parameters } = context;
  const place = (name) => (name.startsWith('&') ? [...path.split('.').slice(0, -1), name.slice(1)].join('.') : name).replace(/^parameters\./, '');
  return Object.assign(context, {
    getNodeParameter: (name, fallback = null, options = {}) => parameters.get(place(name), 0, fallback, options),
    getCurrentNodeParameter: (name, options = {}) => parameters.get(place(name), 0, null, { ...options, skipValidation: true }) ?? undefined,
    getCurrentNodeParameters: () => parameters.of(0),
  });
}

/** The request that loads the options, where the description of the parameter has it. */
function describedAt(properties, [step, ...rest]) {
  for (const each of properties ?? []) {
    if (each?.name !== step) continue;
    const inner = each.type === 'fixedCollection' ? each.options?.find(({ name }) => name === rest[0])?.values : each.options;
    const found = rest.length ? describedAt(inner, rest.slice(each.type === 'fixedCollection' ? 1 : 0)) : each.typeOptions?.loadOptions?.routing;
    if (found) return found;
  }
  return undefined;
}

/** Sends it as a node would that has no parameter but this. */
async function loadDescribed(call, { description }, path) {
  const steps = path.replace(/^parameters\./, '').split('.').map((step) => step.split('[')[0]);
  const load = { displayName: '', name: '', type: 'string', default: '', routing: describedAt(description.properties, steps) };
  const context = contextOf(call, description);
  const { getNodeParameter } = context;
  context.getNodeParameter = (name, ...given) => (name ? getNodeParameter(name, ...given) : null);
  const [items] = await runDescribed({ description: { ...description, properties: [load] } }, context);
  return items.map(({ json }) => json);
}

/** { choices }, as the function of the node gives them. */
async function choices(call) {
  const { kind, functions, method, path, filter, paginationToken } = call.request.choice;
  const node = nodeOf(call.request.package);
  if (!method) return { choices: await loadDescribed(call, node, path) };
  const named = node.methods?.[functions] ?? {};
  if (!Object.hasOwn(named, method)) throw new Error(`This version of the node has no method ${method}`);
  const given = kind === 'resource-locator-results' ? [filter ?? undefined, paginationToken ?? undefined] : [];
  return { choices: await named[method].call(formContext(call, node.description, path), ...given) };
}

module.exports = { choices };
