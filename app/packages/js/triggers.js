// Nodes that start workflows with what comes in: over a connection of their own, or with calls of a provider.
'use strict';

const { contextOf } = require('./context.js');
const { withAnswer } = require('./errors.js');
const { outputsOf } = require('./items.js');
const { nodeOf } = require('./loading.js');
const uploads = require('./uploads.js');

/** What `this` is there: parameters are asked for without an item, and there is no input. */
function triggerContext(call, description) {
  const { request } = call;
  const context = contextOf(call, description);
  const { parameters } = context;
  context.getNodeParameter = (name, fallback, options) => parameters.get(name, 0, fallback, options);
  context.getActivationMode = () => 'activate';
  context.getNodeWebhookUrl = (name) => request.webhookUrls?.[name];
  context.getWebhookName = () => request.webhook?.name;
  context.getWebhookDescription = (name) => description.webhooks?.find((each) => each.name === name);
  context.helpers.createDeferredPromise ??= deferred;
  return context;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

function left(call, context) {
  const { staticData, contextData, customData } = call.request;
  return { staticData, contextData, customData, hints: context.hints, metadata: context.metadata };
}

/** Holds a connection until the call is ended, or the node says that it is broken. */
async function trigger(call) {
  const node = nodeOf(call.request.package);
  const context = triggerContext(call, node.description);
  const broken = deferred();
  broken.promise.catch(() => {});
  context.emit = (outputs, response, done) => {
    const recorded = call.ask('emit', { outputs: outputsOf(outputs), staticData: call.request.staticData });
    recorded.then(
      () => done?.resolve({ finished: true, mode: 'trigger', data: { resultData: { runData: {} } } }),
      (error) => {
        done?.reject(error);
        broken.reject(error);
      },
    );
    done?.promise?.catch(() => {});
    response?.resolve?.({});
  };
  context.emitError = (error) => broken.reject(error);
  context.saveFailedExecution = (error) => broken.reject(error);
  // A connection that cannot be made is said by emitError, too, for which some nodes do not wait.
  const held = await Promise.race([node.trigger.call(context), broken.promise]);
  const ended = new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
  try {
    await Promise.race([broken.promise, ended]);
  } finally {
    await Promise.resolve(held?.closeFunction?.()).catch(() => {});
  }
  return left(call, context);
}

/** Arranges something with a provider, or takes it back; what is there already is not made again. */
async function arrange(call) {
  const node = nodeOf(call.request.package);
  const context = triggerContext(call, node.description);
  try {
    for (const [name, methods] of Object.entries(node.webhookMethods ?? {})) {
      context.getWebhookName = () => name;
      await arrangeOne(call.request.action, methods, context);
    }
  } catch (error) {
    throw withAnswer(error);
  }
  return left(call, context);
}

async function arrangeOne(action, { checkExists, create, delete: remove }, context) {
  // Whether one is there is asked before one is made only: many know it of none, and take theirs back all the same.
  if (action === 'delete') return void (await remove?.call(context));
  const exists = await checkExists?.call(context);
  if (!exists && create && (await create.call(context)) === false) throw new Error('The provider did not take the webhook');
}

/** Takes a call: { outputs } for the workflow, null where it is not to run, and `response` for the caller. */
async function webhook(call) {
  const { request } = call;
  const { webhook: came } = request;
  const node = nodeOf(request.package);
  const context = triggerContext(call, node.description);
  const asked = requestOf(came);
  if (came.headers['content-type']?.startsWith('multipart/form-data')) asked.body.files = await uploads.put(call, came.files);
  const answer = responseOf();
  Object.assign(context, {
    getRequestObject: () => asked,
    getResponseObject: () => answer.object,
    getBodyData: () => asked.body,
    getHeaderData: () => asked.headers,
    getQueryData: () => asked.query,
    getParamsData: () => asked.params,
    getWebhookName: () => came.name,
    validateCookieAuth: () => Promise.reject(new Error('There is no login of n8n here')),
  });
  const { workflowData, webhookResponse, noWebhookResponse } = (await node.webhook.call(context)) ?? {};
  const said = answer.said() ?? (webhookResponse === undefined ? undefined : { body: webhookResponse });
  return { outputs: outputsOf(workflowData), response: said ?? (noWebhookResponse ? {} : null), ...left(call, context) };
}

function requestOf({ method, path, headers, query, params, body, rawBody, ip }) {
  const asked = { method, path, url: path, originalUrl: path, headers, query, params, body, ip, rawBody: Buffer.from(rawBody, 'base64') };
  asked.contentType = headers['content-type']?.split(';')[0].trim().toLowerCase();
  asked.get = asked.header = (name) => headers[String(name).toLowerCase()];
  asked.readRawBody = async () => {};
  asked.on = asked.once = () => asked;
  return asked;
}

/** What express calls the response: what was said with it is the answer. */
function responseOf() {
  const headers = {};
  let [status, body, ended] = [200, undefined, false];
  const end = (given) => {
    if (given !== undefined) body = given;
    ended = true;
    return object;
  };
  const object = {
    status: (code) => ((status = code), object),
    sendStatus: (code) => ((status = code), end(String(code))),
    setHeader: (name, value) => ((headers[String(name).toLowerCase()] = String(value)), object),
    getHeader: (name) => headers[String(name).toLowerCase()],
    writeHead: (code, more = {}) => {
      status = code;
      for (const [name, value] of Object.entries(more)) object.setHeader(name, value);
      return object;
    },
    write: (given) => ((body = `${body ?? ''}${given}`), true),
    type: (kind) => object.setHeader('content-type', kind),
    json: (given) => end(given),
    send: end,
    end,
    redirect: (...given) => {
      status = given.length > 1 ? given[0] : 302;
      object.setHeader('location', given.at(-1));
      return end();
    },
    on: () => object,
    once: () => object,
    get headersSent() {
      return ended;
    },
  };
  object.set = object.header = object.setHeader;
  const said = () => {
    if (!ended) return undefined;
    if (Buffer.isBuffer(body)) return { status, headers, base64: body.toString('base64') };
    if (body === undefined) return { status, headers };
    return typeof body === 'string' ? { status, headers, text: body } : { status, headers, body };
  };
  return { object, said };
}

module.exports = { arrange, trigger, webhook };
