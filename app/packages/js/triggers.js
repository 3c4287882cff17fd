// Nodes that start workflows with what comes over a connection of their own.
'use strict';

const { contextOf } = require('./context.js');
const { outputsOf } = require('./items.js');
const { nodeOf } = require('./loading.js');

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

module.exports = { trigger };
