// What hangs on a node: `getInputConnectionData` has each sub-node supply what it has, in the same process, and notes
// each use that one makes of it (addInputData, addOutputData) with the worker, which keeps the run data.
'use strict';

const { within } = require('./calls.js');
const { shown } = require('./errors.js');
const { evaluate } = require('./expressions.js');
const { gatedTools } = require('./gates.js');
const { nodeOf } = require('./loading.js');
const memories = require('./memories.js');
const { OwnMap } = require('./own.js');
const { toolOf } = require('./tools.js');

/** A call as one of the sub-nodes of its node sees it: the worker knows from `subNode` who asks. */
class SubCall {
  constructor(parent, request) {
    this.parent = parent;
    this.main = parent.main ?? parent;
    this.request = { ...this.main.request, attached: {}, response: undefined, ...request };
  }

  get id() {
    return this.main.id;
  }

  get signal() {
    return this.main.signal;
  }

  ask(name, given) {
    return this.main.ask(name, { ...given, subNode: this.request.subNode });
  }

  askAtOnce(name, given) {
    return this.main.askAtOnce(name, { ...given, subNode: this.request.subNode });
  }

  stream(payload) {
    this.main.stream(payload);
  }

  print(line) {
    this.main.print(line);
  }

  atEnd(end) {
    return this.main.atEnd(end);
  }
}

/** What a call keeps of its sub-nodes until its end. */
function usesOf(call) {
  const main = call.main ?? call;
  return (main.uses ??= { connected: new OwnMap(), counts: new OwnMap(), notes: [], closings: [] });
}

/** Waits until the worker has taken all notes, and closes what sub-nodes have opened. */
async function endUses(call) {
  if (!call.uses) return;
  const { notes, closings } = call.uses;
  await Promise.allSettled(closings.splice(0).map((close) => close()));
  for (const note of notes.splice(0)) await note;
}

function note(call, name, given) {
  const sent = call.ask(name, given);
  sent.catch(() => {});
  usesOf(call).notes.push(sent);
}

/** The sub-nodes of one type, the last connected first, as n8n gives them. */
async function connectedTo(call, kind) {
  const { connected, counts } = usesOf(call);
  const key = `${call.request.subNode ?? ''} ${kind}`;
  if (!connected.has(key)) connected.set(key, call.ask('connected', { kind }));
  const { nodes } = await connected.get(key);
  for (const { node, runs } of nodes) if (!counts.has(node.name)) counts.set(node.name, runs);
  return nodes.toReversed();
}

/** The inputs or outputs of a node, as its description tells by its parameters: [{ type, displayName, ... }]. */
function connectorsOf(described, { version }, parameters) {
  const found = evaluate(described ?? [], { $parameter: parameters, $nodeVersion: version }) ?? [];
  return found.map((each) => (typeof each === 'string' ? { type: each } : each));
}

/** How many outputs a node has, where its description tells that by an expression; undefined where it does not. */
function countOutputs({ parameters }, description) {
  if (typeof description.outputs !== 'string') return undefined;
  try {
    return connectorsOf(description.outputs, parameters, parameters.of(0)).filter(({ type }) => type === 'main').length;
  } catch {
    return undefined; // Its parameters are such that nobody can tell.
  }
}

/** { label, required, most } of the inputs of one type. */
function rulesOf(description, kind, parameters) {
  const fitting = connectorsOf(description.inputs, description, parameters).filter(({ type }) => type === kind);
  const most = fitting.map(({ maxConnections }) => maxConnections ?? Infinity).reduce((sum, each) => sum + each, 0);
  return { label: fitting[0]?.displayName ?? kind, required: fitting.some(({ required }) => required), most: fitting.length ? most : Infinity };
}

async function supply(parent, call, request, kind, item, contextOf) {
  const sub = new SubCall(call, request);
  if (request.gates) return gate(parent, sub, item, contextOf);
  const node = request.package && nodeOf(request.package);
  if (typeof node?.supplyData !== 'function') return toolOf(call, sub, node?.description, item, usesOf(call).counts);
  try {
    const context = contextFor(sub, node.description, contextOf);
    const { response, closeFunction } = (await within(sub, () => node.supplyData.call(context, item))) ?? {};
    if (closeFunction) usesOf(call).closings.push(closeFunction);
    return await within(sub, () => memories.kept(sub, context, response, item));
  } catch (error) {
    if (error?.functionality === 'configuration-node') throw error;
    const { name } = request.node;
    note(sub, 'failSupply', { error: shown(error), item });
    const failed = parent.fail(`Error in sub-node ${name}`, item, error?.message);
    throw Object.assign(failed, { functionality: 'configuration-node' });
  }
}

/** The tools behind a node that asks a person before they are used. */
async function gate(parent, call, item, contextOf) {
  const nodes = await connectedTo(call, 'ai_tool');
  if (!nodes.length) throw parent.fail('A Tool sub-node must be connected and enabled', item);
  const behind = [];
  for (const each of nodes) behind.push([each.node.name, await supply(parent, call, each, 'ai_tool', item, contextOf)]);
  return gatedTools(call.main.request, call.request, behind);
}

/** The context of a sub-node; whatever it calls is done in that sub-node's name, from wherever. */
function contextFor(call, description, contextOf) {
  const context = contextOf(call, description);
  for (const place of [context, context.helpers, context.logger]) {
    for (const [name, value] of Object.entries(place)) {
      if (typeof value === 'function') place[name] = (...given) => within(call, () => value(...given));
    }
  }
  return context;
}

/**
 * The functions of a node's context that are about what hangs on it, and about what it hangs on. `contextOf` makes the
 * contexts of its sub-nodes.
 */
function connectionsOf(context, call, description, contextOf) {
  const { node, subNode } = call.request;
  const { counts } = usesOf(call);
  // By these functions packages tell a node that runs from one that serves another.
  const only =
    subNode === undefined
      ? { getExecuteData: () => ({ node: context.getNode(), data: { main: context.inputs }, source: { main: call.request.sources ?? null } }) }
      : {
          getNextRunIndex: () => counts.get(node.name) ?? 0,
          cloneWith: ({ runIndex, inputData }) =>
            contextFor(new SubCall(call.parent, { ...call.request, items: inputData, runIndex }), description, contextOf),
        };
  return {
    ...only,
    async getInputConnectionData(kind, item = 0) {
      const nodes = await connectedTo(call, kind);
      const { label, required, most } = rulesOf(description, kind, context.parameters.of(item));
      if (!nodes.length && required) throw context.fail(`A ${label} sub-node must be connected and enabled`, item);
      if (nodes.length > most) throw context.fail(`Only ${most} ${kind} sub-nodes are/is allowed to be connected`, item);
      const supplied = [];
      for (const each of nodes) supplied.push(await supply(context, call, each, kind, item, contextOf));
      if (kind === 'ai_tool' && supplied.some(Array.isArray)) return supplied.flat();
      return most === 1 ? supplied[0] : supplied;
    },
    addInputData(kind, data) {
      if (subNode === undefined) return { index: 0 };
      const index = counts.get(node.name) ?? 0;
      counts.set(node.name, index + 1);
      note(call, 'beginUse', { kind, index, items: itemsIn(data) });
      return { index };
    },
    addOutputData(kind, index, data, metadata) {
      if (subNode === undefined) return;
      const about = { kind, index, metadata: metadata && plain(metadata) };
      note(call, 'endUse', Array.isArray(data) ? { ...about, items: itemsIn(data) } : { ...about, error: shown(data) });
    },
    getNodeInputs: () => connectorsOf(description.inputs, description, context.parameters.of(0)),
    getNodeOutputs: () => connectorsOf(description.outputs, description, context.parameters.of(0)),
    getChatTrigger: () => call.request.chatTrigger ?? null,
  };
}

const itemsIn = (data) => (Array.isArray(data) ? (data[0] ?? []).map(plain) : []);

/** The value as JSON; what goes round in circles is left out. */
function plain(value) {
  const above = [];
  const write = function (key, each) {
    if (typeof each === 'bigint') return String(each);
    if (typeof each !== 'object' || each === null) return each;
    while (above.length && above.at(-1) !== this) above.pop();
    if (above.includes(each)) return undefined;
    above.push(each);
    return each;
  };
  return JSON.parse(JSON.stringify(value, write) ?? 'null');
}

/** Whether a node has returned a request to the engine. */
const isRequest = (returned) => typeof returned === 'object' && returned !== null && Array.isArray(returned.actions);

module.exports = { connectionsOf, countOutputs, endUses, isRequest, plain };
