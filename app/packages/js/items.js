// Items: how packages make them, and what a node has to return.
'use strict';

const { shown } = require('./errors.js');

/** Objects as items; what is an item already stays one. */
function returnJsonArray(given) {
  const list = Array.isArray(given) ? given : [given];
  return list.map((each) => (each?.json ? { ...each, json: each.json } : { json: each }));
}

function constructExecutionMetaData(items, { itemData }) {
  return items.map(({ json, ...rest }) => ({ json, pairedItem: itemData, ...rest }));
}

function normalizeItems(given) {
  const list = Array.isArray(given) ? given : [given];
  const count = (name) => list.filter((each) => typeof each === 'object' && name in each).length;
  if (count('json') === list.length) return list;
  if (count('binary') === list.length) return list.map(({ binary, ...json }) => ({ json, binary }));
  if (count('json') || count('binary')) throw new Error('Inconsistent item format');
  return list.map((each) => ({ json: each }));
}

function copyInputItems(items, properties) {
  return items.map(({ json }) => Object.fromEntries(properties.map((name) => [name, json[name] === undefined ? null : structuredClone(json[name])])));
}

/** What a node has returned, as the items of each output. */
function outputsOf(returned) {
  if (returned === null || returned === undefined) return null;
  if (!Array.isArray(returned)) throw new Error('The node returned no list of outputs');
  return returned.map((items) => {
    if (items === null || items === undefined) return [];
    if (!Array.isArray(items)) throw new Error('The node returned an output that is no list of items');
    return items.map(itemOf);
  });
}

function itemOf(item) {
  if (typeof item !== 'object' || item === null) throw new Error('The node returned an item that is no object');
  const { json, binary, pairedItem, error } = item;
  const made = { json: json ?? {} };
  if (typeof made.json !== 'object') throw new Error('The node returned an item whose json is no object');
  if (binary !== undefined) made.binary = binary;
  if (pairedItem !== undefined) made.pairedItem = pairedItem;
  if (error !== undefined && error !== null) made.error = error instanceof Error ? shown(error) : error;
  return made;
}

module.exports = { constructExecutionMetaData, copyInputItems, normalizeItems, outputsOf, returnJsonArray };
