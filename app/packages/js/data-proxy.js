// What `getWorkflowDataProxy` gives: what expressions see, for the code of packages. What it takes of the workflow's data
// is asked for when it is used.
'use strict';

const { DateTime, Duration, Interval } = require('../../engine/sandbox/node_modules/luxon');

/** Values that are looked up as an expression of that name would be. */
const NAMES = ['$workflow', '$execution', '$parameter', '$prevNode', '$runIndex', '$vars', '$nodeVersion', '$nodeId'];
const OF_NODES = ['json', 'binary', 'parameter', 'runIndex', 'context'];
const METHODS = ['all', 'first', 'last', 'itemMatching'];
const PROPERTIES = ['item', 'params', 'context', 'isExecuted'];

const written = (values) => values.map((value) => (value === undefined ? 'undefined' : JSON.stringify(value))).join(', ');

/** Gives each property what `valueOf(name)` finds when it is asked for. */
function lazily(target, names, valueOf) {
  for (const name of names) Object.defineProperty(target, name, { enumerable: true, configurable: true, get: () => valueOf(name) });
  return target;
}

/** What $('a node') is. */
function nodeOf(name, evaluate) {
  const node = `$(${written([name])})`;
  const made = Object.fromEntries(METHODS.map((method) => [method, (...given) => evaluate(`${node}.${method}(${written(given)})`)]));
  return lazily(made, PROPERTIES, (property) => evaluate(`${node}.${property}`));
}

/** Everything that expressions see, for one item of a node's first input. */
function dataProxy(context, item) {
  const items = context.inputs[0] ?? [];
  const evaluate = (code) => context.evaluateExpression(`={{ ${code} }}`, item);
  const now = () => DateTime.now().setZone(context.getTimezone());
  const nodes = new Proxy({}, {
    get: (_, name) => (typeof name === 'symbol' ? undefined : lazily({}, OF_NODES, (part) => evaluate(`$node[${written([name])}].${part}`))),
  });
  const $input = { all: () => items, first: () => items[0], last: () => items.at(-1) };
  const proxy = {
    $: (name) => nodeOf(name, evaluate),
    $evaluateExpression: (expression, index = item) => context.evaluateExpression(expression, index),
    $input: lazily(Object.assign($input, { item: items[item] }), ['params', 'context'], (name) => evaluate(`$input.${name}`)),
    $item: (index) => dataProxy(context, index),
    $itemIndex: item,
    $items: (...given) => evaluate(`$items(${written(given)})`),
    $jmespath: (...given) => evaluate(`$jmespath(${written(given)})`),
    $mode: context.getMode(),
    $node: nodes,
    $position: item,
    DateTime,
    Duration,
    Interval,
  };
  lazily(proxy, NAMES, evaluate);
  lazily(proxy, ['$now'], now);
  lazily(proxy, ['$today'], () => now().startOf('day'));
  lazily(proxy, ['$json', '$data'], () => items[item]?.json ?? {});
  return lazily(proxy, ['$binary'], () => items[item]?.binary ?? {});
}

module.exports = { dataProxy };
