// Nodes that are described and not programmed: what each parameter's `routing` puts into a request, and what is made of
// the answer.
'use strict';

const { apiError, authenticated, operationError } = require('./authentication.js');
const { credentialsOf } = require('./credentials.js');
const { shown } = require('./errors.js');
const { evaluate } = require('./expressions.js');
const { byOffset, MAX_PAGES } = require('./pagination.js');
const { get, merge, set } = require('./paths.js');
const { afterwards, held, itemsIn } = require('./post_receive.js');
const { httpRequest } = require('./requests.js');

const AT_ONCE = 50;

/** The outputs of a described node over all items. */
async function runDescribed(node, context) {
  const items = context.getInputData();
  requireCredential(node, context);
  const { batchSize = 0, batchInterval = 0 } = context.parameters.of(0).requestOptions?.batching?.batch ?? {};
  const step = batchSize > 0 ? batchSize : Math.min(items.length, AT_ONCE);
  const found = [];
  for (let start = 0; start < items.length; start += step) {
    if (start && batchInterval > 0) await new Promise((resolve) => setTimeout(resolve, batchInterval));
    const places = [...items.keys()].slice(start, start + step);
    // All of a batch are at their end before one that has failed ends the run.
    const ended = await Promise.allSettled(places.map((item) => runItem(node, context, item)));
    const failed = ended.find(({ status }) => status === 'rejected');
    if (failed) throw failed.reason;
    found.push(...ended.map(({ value }) => value));
  }
  return [found.flat()];
}

/** Throws where the node names no credential of the type that it needs. */
function requireCredential({ description }, context) {
  const named = context.getNode().credentials ?? {};
  const needed = (description.credentials ?? []).filter((each) => each.required && context.parameters.isShown(each, 0));
  if (needed.length && !needed.some(({ name }) => named[name])) throw operationError(`Node does not have any credentials set for "${needed[0].name}"`);
}

async function runItem(node, context, item) {
  try {
    const items = await new Routed(node, context, item).run();
    return items.map((each) => ({ ...each, pairedItem: { item } }));
  } catch (error) {
    const failed = apiError(error, { itemIndex: item, message: error?.message, description: error?.description });
    if (!context.continueOnFail()) throw Object.assign(failed, { context: { ...failed.context, itemIndex: item } });
    return [{ json: {}, error: shown(failed), pairedItem: { item } }];
  }
}

/** One item's requests. */
class Routed {
  constructor(node, context, item) {
    this.description = node.description;
    this.context = context;
    this.item = item;
    this.parameters = context.parameters;
    this.values = this.parameters.of(item);
    this.single = singleContext(context, item);
    this.variables = { $parameter: this.#located(), $version: this.parameters.version, $nodeVersion: this.parameters.version };
  }

  async run() {
    this.credential = this.#credentialType();
    if (this.credential) this.variables.$credentials = await credentialsOf(this.context.call).prepared(this.credential);
    const request = { options: merge({ qs: {}, body: {}, headers: {} }, this.evaluate(this.description.requestDefaults ?? {})), preSend: [], postReceive: [], operations: {} };
    for (const property of this.description.properties ?? []) {
      if (this.parameters.isShown(property, this.item)) this.#route(request, property, [], this.values);
    }
    merge(request.operations, this.description.requestOperations);
    this.#take(request.options, this.values.requestOptions ?? {});
    this.single.makeRoutingRequest = (given) => this.#ask({ ...request, ...given, options: given.options ?? request.options });
    const { pagination } = request.operations;
    if (!pagination || !request.paginate) return this.#ask(request);
    if (typeof pagination === 'function') return pagination.call(this.single, request);
    return this.#paged(request, pagination);
  }

  /** The parameters as expressions see them: of a resource locator, what stands in its field. */
  #located() {
    return Object.fromEntries(Object.entries(this.values).map(([name, value]) => [name, located(value)]));
  }

  evaluate(value, more) {
    return evaluate(value, { ...this.variables, ...more });
  }

  /** What the user has set for requests in general. */
  #take(options, { allowUnauthorizedCerts, timeout, proxy }) {
    if (allowUnauthorizedCerts) options.skipSslCertificateValidation = true;
    if (timeout > 0) options.timeout = timeout;
    if (proxy) options.proxy = proxy;
  }

  #credentialType() {
    const named = this.context.getNode().credentials ?? {};
    const shownTypes = (this.description.credentials ?? []).filter((each) => this.parameters.isShown(each, this.item));
    return (shownTypes.find(({ name }) => named[name]) ?? shownTypes.find(({ required }) => required))?.name ?? Object.keys(named)[0];
  }

  // What parameters put into the request

  #route(request, property, path, values, more = {}) {
    const place = [...path, property.name];
    const value = this.context.getNodeParameter(place.join('.'), this.item, null, { extractValue: property.type === 'resourceLocator' });
    if (property.routing) this.#apply(request, property.routing, value, more);
    if (property.type === 'options') {
      const chosen = property.options?.find((option) => option.value === value);
      if (chosen?.routing) this.#apply(request, chosen.routing, value, more);
    } else if (property.type === 'collection') {
      for (const option of property.options ?? []) {
        if (value && Object.hasOwn(value, option.name) && this.parameters.isShown(option, this.item, value)) this.#route(request, option, place, value, more);
      }
    } else if (property.type === 'fixedCollection') {
      this.#routeFixed(request, property, place, value ?? {});
    }
  }

  #routeFixed(request, property, place, value) {
    for (const option of property.options ?? []) {
      const entries = value[option.name];
      if (entries === undefined) continue;
      const list = Array.isArray(entries) ? entries : [entries];
      list.forEach((entry, index) => {
        const path = [...place, Array.isArray(entries) ? `${option.name}[${index}]` : option.name];
        for (const below of option.values ?? []) {
          if (this.parameters.isShown(below, this.item, entry)) this.#route(request, below, path, entry, { $index: index, $parent: entry });
        }
      });
    }
  }

  #apply(request, { operations, output, request: options, send }, value, more) {
    const names = { ...more, $value: value };
    if (operations) merge(request.operations, operations);
    if (options) merge(request.options, this.evaluate(options, names));
    if (send) this.#send(request, send, value, names);
    if (output) {
      if (output.maxResults !== undefined) request.maxResults = this.evaluate(output.maxResults, names);
      if (output.postReceive) request.postReceive.push({ actions: output.postReceive, names });
    }
  }

  #send(request, send, given, names) {
    if (send.paginate !== undefined) request.paginate = this.evaluate(send.paginate, names);
    if (send.preSend) request.preSend.push(...send.preSend);
    if (!send.property) return;
    const property = this.evaluate(send.property, names);
    const value = send.value === undefined ? given : this.evaluate(send.value, names);
    const place = (send.type ?? 'body') === 'body' ? 'body' : 'qs';
    if (typeof request.options[place] !== 'object' || request.options[place] === null) request.options[place] = {};
    if (send.propertyInDotNotation === false) request.options[place][property] = value;
    else set(request.options[place], property, value);
  }

  // The request, and what comes of its answer

  async #ask(request) {
    const response = await this.#respond(request);
    const items = await afterwards(this, itemsIn(response), response, request.postReceive);
    return request.maxResults === undefined ? items : items.slice(0, Number(request.maxResults));
  }

  async #respond(request) {
    let { options } = request;
    for (const change of request.preSend) options = await change.call(this.single, options);
    const send = ({ url, baseURL, ...given }) => httpRequest({ ...given, ...(url ? { url, baseURL } : { url: baseURL }), returnFullResponse: true });
    return this.credential ? authenticated(send, this.credential, options) : send(options);
  }

  async #paged(request, { type, properties }) {
    const most = request.maxResults === undefined ? Infinity : Number(request.maxResults);
    if (type === 'offset') {
      const ask = async (options, root) => {
        const items = await this.#ask({ ...request, options, maxResults: undefined });
        return root ? items.flatMap(({ json }) => [get(json, root, [])].flat().map((each) => ({ json: held(each) }))) : items;
      };
      return (await byOffset(ask, request.options, properties, most)).slice(0, most);
    }
    const items = [];
    let options = request.options;
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const names = { $pageCount: pages, $request: options };
      options = merge(merge({}, options), this.evaluate(properties.request ?? {}, pages ? { ...names, $response: this.last } : names));
      this.last = await this.#respond({ ...request, options });
      items.push(...(await afterwards(this, itemsIn(this.last), this.last, request.postReceive)));
      const goesOn = this.evaluate(properties.continue, { ...names, $response: this.last, $pageCount: pages + 1 });
      if (!goesOn || items.length >= most) break;
    }
    return items.slice(0, most);
  }
}

/** What a resource locator holds, without what its pattern leaves out; other values as they are. */
function located(value) {
  if (typeof value !== 'object' || value === null || !value.__rl) return value;
  const { value: text, __regex: pattern } = value;
  return pattern && typeof text === 'string' ? (new RegExp(pattern).exec(text)?.[1] ?? text) : text;
}

/** The same context for functions that see one item only, and so name none. */
function singleContext(context, item) {
  const { helpers } = context;
  return Object.assign(Object.create(context), {
    getItemIndex: () => item,
    getInputData: (input = 0) => context.inputs[input]?.[item],
    getNodeParameter: (name, fallback, options) => context.getNodeParameter(name, item, fallback, options),
    evaluateExpression: (expression, index) => context.evaluateExpression(expression, index ?? item),
    getWorkflowDataProxy: () => context.getWorkflowDataProxy(item),
    continueOnFail: context.continueOnFail,
    helpers: {
      ...helpers,
      assertBinaryData: (name, input) => helpers.assertBinaryData(item, name, input),
      getBinaryDataBuffer: (name, input) => helpers.getBinaryDataBuffer(item, name, input),
    },
  });
}

module.exports = { runDescribed, singleContext };
