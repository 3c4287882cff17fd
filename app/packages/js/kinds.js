// The kinds of calls, and how each is answered.
'use strict';

const { contextOf } = require('./context.js');
const { outputsOf } = require('./items.js');
const { nodeOf } = require('./loading.js');
const { runDescribed } = require('./routing.js');

/** Runs a node over its items: { outputs, hints, metadata, staticData, contextData, customData, waitTill }. */
async function execute(call) {
  const { request } = call;
  const node = nodeOf(request.package);
  const context = contextOf(call, node.description);
  const returned = typeof node.execute === 'function' ? await node.execute.call(context) : await runDescribed(node, context);
  const { staticData, contextData, customData } = request;
  const { hints, metadata, waitTill } = context;
  return { outputs: outputsOf(returned), hints, metadata, staticData, contextData, customData, waitTill };
}

/** Nothing: how long a call takes that does nothing. */
async function ping() {
  return {};
}

const kinds = { execute, ping };

module.exports = { kinds };
