// Stands in for `n8n-core` where a package names it: what nodes ask of it, and none of what n8n is made of.
'use strict';

const { createHmac, randomBytes, timingSafeEqual } = require('node:crypto');

const HITL_CALLBACK_PREFIX = 'hitl';
const SIGNATURE = 16;

class ErrorReporter {
  error(error) {
    console.error(error);
  }

  warn(warning) {
    console.error(warning);
  }

  info(text) {
    console.error(text);
  }
}

/** What one process knows of the instance; a secret of its own stands for that of the instance. */
class InstanceSettings {
  hmacSignatureSecret = randomBytes(32).toString('hex');
  encryptionKey = this.hmacSignatureSecret;
  instanceId = '';
  instanceType = 'worker';
}

const instances = new Map();

/** The class; the container of `@n8n/di`, where a package brings it, gets its one object. */
function provided(made) {
  if (!instances.has(made)) instances.set(made, new made());
  for (const [file, { exports }] of Object.entries(require.cache)) {
    if (/[/\\]@n8n[/\\]di[/\\]/.test(file) && exports?.Container?.set) exports.Container.set(made, instances.get(made));
  }
  return made;
}

const signatureOf = (text, secret) => createHmac('sha256', secret).update(text).digest('base64url').slice(0, SIGNATURE);

/** What a button carries, so that whoever presses it can be told from others: which execution, and what was chosen. */
function buildHitlCallbackReference(executionId, action, secret) {
  const text = `${HITL_CALLBACK_PREFIX}:${executionId}:${action}`;
  return `${text}:${signatureOf(text, secret)}`;
}

/** { executionId, action } of a reference that was signed with the secret; null for any other text. */
function parseHitlCallbackReference(reference, secret) {
  const [prefix, executionId, action, signature = ''] = String(reference).split(':');
  const wanted = Buffer.from(signatureOf(`${prefix}:${executionId}:${action}`, secret));
  const given = Buffer.from(signature);
  const isOurs = prefix === HITL_CALLBACK_PREFIX && given.length === wanted.length && timingSafeEqual(given, wanted);
  return isOurs ? { executionId, action } : null;
}

module.exports = {
  HITL_CALLBACK_PREFIX,
  TELEGRAM_HITL_WEBHOOK_SUFFIX: 'hitl',
  buildHitlCallbackReference,
  buildResumeUrlSuffix: (...parts) => parts.filter(Boolean).join('/'),
  getHtmlSandboxCSP: () => 'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts',
  isFormHtmlSandboxingDisabled: () => false,
  isSlackInteractionRequest: () => false,
  isTelegramInteractionRequest: () => false,
  parseHitlCallbackReference,
};
for (const made of [ErrorReporter, InstanceSettings]) {
  Object.defineProperty(module.exports, made.name, { enumerable: true, get: () => provided(made) });
}
