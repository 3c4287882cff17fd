// What a described node does with an answer, step by step.
'use strict';

const { get } = require('./paths.js');

/** The items that an answer holds as it stands. */
function itemsIn({ body }) {
  const list = Array.isArray(body) ? body : [body];
  return list.map((each) => ({ json: typeof each === 'object' && each !== null && !Buffer.isBuffer(each) ? each : each === undefined || each === '' || Buffer.isBuffer(each) ? {} : { data: each } }));
}

/** What an item holds of a value: an item holds an object. */
const held = (value) => (value === undefined ? {} : typeof value === 'object' && value !== null ? value : { data: value });

const steps = {
  rootProperty: (items, { property }) =>
    items.flatMap(({ json }) => [get(json, property)].flat().map((each) => ({ json: held(each) }))),
  limit: (items, { maxResults }) => items.slice(0, Number(maxResults)),
  set: (items, { value }) => [{ json: held(value) }],
  sort: (items, { key }) => {
    const textOf = ({ json }) => String(get(json, key) ?? '').toLowerCase();
    return [...items].sort((one, other) => textOf(one).localeCompare(textOf(other)));
  },
};

/** What is made of the items by the actions of all parameters, in order. */
async function afterwards(routed, given, response, list) {
  let items = given;
  for (const { actions, names } of list) {
    for (const action of actions) {
      if (typeof action === 'function') items = await action.call(routed.single, items, response);
      else items = await act(routed, items, response, action, { ...names, $response: response });
    }
  }
  return items;
}

async function act(routed, items, response, { type, enabled, properties = {}, errorMessage }, names) {
  if (enabled !== undefined && !isTrue(routed.evaluate(enabled, names))) return items;
  try {
    if (type === 'filter') return items.filter(({ json }) => isTrue(routed.evaluate(properties.pass, { ...names, $responseItem: json })));
    if (type === 'setKeyValue') return items.map((item) => ({ ...item, json: held(routed.evaluate(properties, { ...names, $responseItem: item.json })) }));
    if (type === 'binaryData') return await asFile(routed, items, response, routed.evaluate(properties.destinationProperty, names));
    return steps[type] ? steps[type](items, routed.evaluate(properties, names)) : items;
  } catch (error) {
    if (errorMessage) error.message = errorMessage;
    throw error;
  }
}

const isTrue = (value) => value === true || value === 'true' || (typeof value !== 'string' && Boolean(value));

async function asFile(routed, items, response, property) {
  const kind = String(response.headers?.['content-type'] ?? '').split(';')[0] || undefined;
  const file = await routed.context.helpers.prepareBinaryData(response.body, undefined, kind);
  return items.map(({ json }) => ({ json, binary: { [property]: file } }));
}

module.exports = { afterwards, held, itemsIn };
