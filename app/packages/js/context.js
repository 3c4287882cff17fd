// What `this` is in a node's functions: its parameters, items, credentials and helpers. One context is one call.
'use strict';

const { createHash } = require('node:crypto');

const { operationError } = require('./authentication.js');
const { credentialsOf } = require('./credentials.js');
const { dataProxy } = require('./data-proxy.js');
const { helpersOf } = require('./helpers.js');
const { workflowModule } = require('./loading.js');
const { Parameters } = require('./parameters.js');
const { connectionsOf } = require('./sub-nodes.js');

/** n8n's names of what may have started an execution. */
const MANUAL = new Set(['manual', 'test']);

const OWNER = Symbol('owner');

class Context {
  #call;
  #parameters;

  constructor(call, description) {
    const { request } = call;
    // What is made from a context, for one item of it, finds it here.
    this[OWNER] = this;
    this.#call = call;
    this.#parameters = new Parameters(request, description);
    this.#parameters.version = request.package.version;
    this.inputs = request.items ?? [];
    this.hints = [];
    this.metadata = {};
    this.parts = [];
    this.waitTill = undefined;
    this.helpers = helpersOf(this.inputs, (message, item, explanation) => this.fail(message, item, explanation));
    this.logger = Object.fromEntries(['error', 'warn', 'info', 'debug', 'log', 'verbose'].map((level) => [level, (text) => call.print(`${level}: ${text}`)]));
    this.nodeHelpers = { copyBinaryFile: (file, name, type) => this.helpers.copyBinaryFile(file, name, type) };
  }

  get parameters() {
    return this.#parameters;
  }

  get call() {
    return this.#call;
  }

  get #asked() {
    return this.#call.request;
  }

  fail(message, itemIndex, description) {
    const { NodeOperationError } = workflowModule(this.#asked.package);
    return NodeOperationError ? new NodeOperationError(this.getNode(), message, { itemIndex, description }) : new Error(message);
  }

  // Parameters and items

  getNodeParameter(name, item = 0, fallback, options) {
    return this.#parameters.get(name, item, fallback, options);
  }

  getInputData(index = 0, type = 'main') {
    return type === 'main' ? (this.inputs[index] ?? []) : [];
  }

  /** An old name of handing out items: all of them at one output. */
  async prepareOutputData(items, output = 0) {
    return [...Array(output).fill([]), items];
  }

  getInputSourceData(index = 0) {
    return this.#asked.sources?.[index] ?? null;
  }

  evaluateExpression(expression, item = 0) {
    const text = String(expression).startsWith('=') ? String(expression) : `=${expression}`;
    return this.#call.askAtOnce('evaluate', { text, item }).value;
  }

  getWorkflowDataProxy(item = 0) {
    return dataProxy(this, item);
  }

  // The node, its workflow and its execution

  getNode() {
    return { ...this.#asked.node, parameters: this.#parameters.raw };
  }

  getWorkflow() {
    return { ...this.#asked.workflow };
  }

  getMode() {
    const { mode } = this.#asked;
    return MANUAL.has(mode) ? 'manual' : mode;
  }

  getExecutionId() {
    return this.#asked.executionId;
  }

  getTimezone() {
    return this.#asked.timezone;
  }

  getInstanceBaseUrl() {
    return `${this.#asked.address ?? ''}/`;
  }

  getRestApiUrl() {
    return `${this.#asked.address ?? ''}/rest`;
  }

  getInstanceId() {
    return createHash('sha256').update(this.#asked.address ?? '').digest('hex');
  }

  getSignedResumeUrl(parameters = {}) {
    const { resumeUrl, questionUrl, node, runIndex = 0 } = this.#asked;
    // Pages of ours take the answers of people; any other call is the node's own business.
    const asks = this.#parameters.raw.operation === 'sendAndWait';
    if (!(asks ? questionUrl : resumeUrl)) {
      throw new Error('This sub-workflow cannot wait for an answer: the node that runs it does not wait');
    }
    const url = new URL(asks ? questionUrl : resumeUrl);
    if (!asks) url.pathname += `/${encodeURIComponent(node.id || 'node')}`;
    const asked = Object.entries({ ...parameters, run: runIndex, ...Object.fromEntries(url.searchParams) });
    url.search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
    return url.href;
  }

  continueOnFail() {
    return Boolean(this.#asked.continueOnFail);
  }

  getKnownNodeTypes() {
    return {};
  }

  /** The nodes behind one, by connections of a type: { name, type, typeVersion, disabled, parameters where wanted }. */
  getChildNodes(name, options) {
    return this.#relatives('children', name, options);
  }

  /** The nodes before one, or those that hang on it: the farthest first. */
  getParentNodes(name, options) {
    return this.#relatives('parents', name, options);
  }

  #relatives(side, name, { connectionType = 'main', depth = -1, includeNodeParameters = false } = {}) {
    return this.#call.askAtOnce('relatives', { side, name, kind: connectionType, depth, parameters: includeNodeParameters }).nodes;
  }

  isToolExecution() {
    return Boolean(this.#asked.tool);
  }

  getRunnerStatus() {
    return { available: true };
  }

  /** Runs a program of the workflow's own, where such programs run. */
  async startJob(language, { code, additionalProperties = {} }) {
    const variables = Object.fromEntries(Object.entries(additionalProperties).map(([name, value]) => [name, value ?? null]));
    return this.#call.ask('runProgram', { language, code, variables });
  }

  // What is kept

  getWorkflowStaticData(kind) {
    const data = this.#asked.staticData;
    if (kind !== 'global' && kind !== 'node') throw new Error(`The context data of type "${kind}" is not known.`);
    return data[kind];
  }

  getContext(kind) {
    if (kind !== 'node' && kind !== 'flow') throw new Error(`The context type "${kind}" is not known.`);
    return (this.#asked.contextData[kind] ??= {});
  }

  get customData() {
    const data = (this.#asked.customData ??= {});
    return {
      set: (key, value) => void (data[key] = String(value)),
      setAll: (values) => void Object.assign(data, Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))),
      get: (key) => data[key],
      getAll: () => ({ ...data }),
    };
  }

  // Credentials

  async getCredentials(type) {
    try {
      return { ...(await credentialsOf(this.#call).get(type)) };
    } catch (error) {
      throw operationError(error.message);
    }
  }

  getCredentialsProperties(type) {
    return credentialsOf(this.#call).from(type, 'properties')?.properties ?? [];
  }

  // What the execution is to do

  async putExecutionToWait(until) {
    this.waitTill = new Date(until).toISOString();
  }

  addExecutionHints(...hints) {
    this.hints.push(...hints);
  }

  setMetadata(metadata) {
    Object.assign(this.metadata, metadata);
  }

  /** Whether somebody reads what is said part by part. All parts of a call are handed over at its end. */
  isStreaming() {
    return this.#asked.streams === true && this.#asked.subNode === undefined;
  }

  async sendChunk(type, itemIndex, content) {
    const { node, runIndex = 0 } = this.#asked;
    const metadata = { nodeId: node.id, nodeName: node.name, itemIndex, runIndex, timestamp: Date.now() };
    const text = typeof content === 'string' || content === undefined ? content : JSON.stringify(content);
    if (this.isStreaming()) this.parts.push({ type, content: text, metadata });
  }

  getExecutionCancelSignal() {
    return this.#call.signal;
  }

  onExecutionCancellation(handle) {
    this.#call.signal.addEventListener('abort', () => handle(), { once: true });
  }

  async executeWorkflow(workflow, items, _callbacks, options) {
    return this.#call.ask('executeWorkflow', { workflow, items: items ?? this.inputs[0] ?? [], wait: options?.doNotWaitToFinish !== true });
  }

  async sendResponse(response) {
    await this.#call.ask('respond', { response });
  }

  sendMessageToUI(...given) {
    if (MANUAL.has(this.#asked.mode)) this.#call.print(given.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(' '));
  }

  logAiEvent() {}
}

// Functions are called on their own, too: `const { getNodeParameter } = this`. Each is bound when it is asked for first:
// a call uses a few of the many.
for (const [name, { value: method }] of Object.entries(Object.getOwnPropertyDescriptors(Context.prototype))) {
  if (typeof method !== 'function' || name === 'constructor') continue;
  const put = (object, value) => Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: true });
  Object.defineProperty(Context.prototype, name, {
    configurable: true,
    get() {
      const owner = this[OWNER];
      return put(owner, method.bind(owner))[name];
    },
    set(value) {
      put(this, value);
    },
  });
}

function contextOf(call, description) {
  const context = new Context(call, description);
  return Object.assign(context, connectionsOf(context, call, description, contextOf));
}

module.exports = { contextOf };
