// The kinds of calls, and how each is answered.
'use strict';

const { apiError } = require('./authentication.js');
const { choices } = require('./choices.js');
const { contextOf } = require('./context.js');
const { testCredential } = require('./credential-tests.js');
const { outputsOf } = require('./items.js');
const { nodeOf } = require('./loading.js');
const { runDescribed } = require('./routing.js');
const { countOutputs, endUses, isRequest, plain } = require('./sub-nodes.js');
const { arrange, trigger, webhook } = require('./triggers.js');

/** So long a trigger may look for what is new; the worker waits for five minutes. */
const POLL_BUDGET_MS = 270_000;

/** Runs a node over its items: { outputs, outputCount, hints, metadata, staticData, contextData, customData, waitTill }. */
async function execute(call) {
  const { request } = call;
  const node = nodeOf(request.package);
  const context = contextOf(call, node.description);
  let returned;
  try {
    returned = await run(node, context, request);
  } catch (error) {
    // A request that came to nothing, and that the node has not made an error of its own.
    throw error?.isAxiosError ? apiError(error) : error;
  } finally {
    await endUses(call);
  }
  const { staticData, contextData, customData } = request;
  const { hints, metadata, waitTill, parts } = context;
  const made = isRequest(returned) ? { request: plain(returned) } : { outputs: outputsOf(returned), outputCount: countOutputs(context, node.description) };
  return { ...made, hints, metadata, parts, staticData, contextData, customData, waitTill };
}

function run(node, context, request) {
  if (request.kind === 'poll') return look(node, context);
  if (typeof node.execute === 'function') return node.execute.call(context, request.response);
  if (typeof node.supplyData === 'function') return runSupplied(node, context, request);
  return (operationOf(node, context) ?? runDescribed)(node, context);
}

/** What a described node does by a function of its own; undefined where its description says all. */
function operationOf({ customOperations }, context) {
  const { resource, operation } = customOperations ? context.parameters.of(0) : {};
  const operations = Object.hasOwn(customOperations ?? {}, resource) ? customOperations[resource] : {};
  return Object.hasOwn(operations, operation) ? () => operations[operation].call(context) : undefined;
}

/** Looks for something new: { outputs: null } where there is nothing. Triggers have no items, and ask for none. */
function look(node, context) {
  const { getNodeParameter } = context;
  context.getNodeParameter = (name, fallback, options) => getNodeParameter(name, 0, fallback, options);
  context.inputs = [];
  context.getActivationMode = () => 'activate';
  context.getPollBudgetMs = () => POLL_BUDGET_MS;
  return node.poll.call(context);
}

/** A tool that only supplies itself, called as an agent would. */
async function runSupplied(node, context, { query }) {
  const { response: tool, closeFunction } = await node.supplyData.call(context, 0);
  try {
    return [[{ json: { response: plain(await tool.invoke(query ?? {})) } }]];
  } finally {
    await closeFunction?.();
  }
}

/** Loads a node, and does nothing with it. */
async function load({ request }) {
  nodeOf(request.package);
  return {};
}

/** Nothing: how long a call takes that does nothing. */
async function ping() {
  return {};
}

const kinds = { choices, execute, load, ping, poll: execute, arrange, testCredential, trigger, webhook };

module.exports = { kinds };
