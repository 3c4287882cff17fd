// Tries a credential as its type says: by its test request, with what the type puts into it to prove who calls.
'use strict';

const { credentialsOf } = require('./credentials.js');
const { messageOf } = require('./errors.js');
const { evaluate } = require('./expressions.js');
const { helpersOf } = require('./helpers.js');
const { nodeOf } = require('./loading.js');
const { httpRequest } = require('./requests.js');

const quiet = Object.fromEntries(['debug', 'error', 'info', 'verbose', 'warn'].map((level) => [level, () => {}]));

/** What the service answers: { answer: { status, reason, headers, body } }. Throws where no answer came. */
async function testCredential(call) {
  const { type, method } = call.request;
  if (method !== undefined) return testByNode(call);
  const credentials = credentialsOf(call);
  try {
    // What the credential holds now is tried, and no token from before.
    const data = await credentials.prepared(type, { anew: true });
    const asked = evaluate(credentials.from(type, 'test').test.request, { $credentials: data, $self: data });
    const proved = await credentials.authenticate(type, data, complete(asked));
    const { statusCode, statusMessage, headers, body } = await httpRequest({ ...proved, returnFullResponse: true, ignoreHttpStatusErrors: true });
    return { answer: { status: statusCode, reason: statusMessage, headers, body } };
  } catch (error) {
    // Of the service that a token was asked of.
    if (typeof error?.response?.status !== 'number') throw error;
    const { status, statusText, headers, data } = error.response;
    return { answer: { status, reason: statusText, headers, body: data } };
  }
}

/** What a function of a node, which the node names for this type, says: { verdict: { status, message } }. */
async function testByNode(call) {
  const { type, method, package: where } = call.request;
  const helpers = helpersOf([], (message) => new Error(message));
  try {
    const data = await credentialsOf(call).prepared(type, { anew: true });
    const { status, message } = await nodeOf(where).methods.credentialTest[method].call({ helpers, logger: quiet }, { id: '', name: type, type, data });
    return { verdict: { status, message: `${message ?? ''}` } };
  } catch (error) {
    return { verdict: { status: 'Error', message: messageOf(error) } };
  }
}

/** The options with all parts that a type's own code counts on. */
function complete({ baseURL, url, ...rest }) {
  const address = baseURL && !url ? { url: baseURL } : { baseURL, url: url ?? '' };
  return { ...rest, ...address, headers: { ...rest.headers }, qs: { ...rest.qs } };
}

module.exports = { testCredential };
