// Requests that prove who calls, by the node's credential of a type.
'use strict';

const { asking } = require('./calls.js');
const { accessToken, credentialsOf } = require('./credentials.js');
const { workflowModule } = require('./loading.js');
const { get } = require('./paths.js');
const { httpRequest, request } = require('./requests.js');

const statusOf = (error) => Number(error?.response?.status ?? error?.response?.statusCode ?? error?.statusCode ?? error?.httpCode ?? error?.status);

function apiError(error, options) {
  const { request: asked } = asking();
  const { NodeApiError } = workflowModule(asked.package);
  if (!NodeApiError || error instanceof NodeApiError) return error;
  return new NodeApiError(asked.node, error, options);
}

/** What the node itself says is wrong, in the package's own class of such errors. */
function operationError(message) {
  const { request: asked } = asking();
  const { NodeOperationError } = workflowModule(asked.package);
  return NodeOperationError ? new NodeOperationError(asked.node, message) : new Error(message);
}

/** `send` as somebody who holds the credential of that type; once more with a fresh token where it was refused. */
async function authenticated(send, type, options, { credentialsDecrypted, ...more } = {}) {
  const credentials = credentialsOf();
  let shown;
  try {
    if (credentials.isOfType(type, 'oAuth2Api')) return await withOAuth2(send, type, options, more.oauth2);
    if (credentials.isOfType(type, 'oAuth1Api')) return await withOAuth1(send, type, options);
    const data = credentialsDecrypted?.data ?? (await credentials.prepared(type));
    shown = data[credentials.expirable(type)];
    return await send(await credentials.authenticate(type, data, copy(options)));
  } catch (error) {
    // Whatever goes wrong with the older helper is taken for a token that has expired.
    const renews = (send === request || statusOf(error) === 401) && credentials.from(type, 'preAuthentication');
    if (!renews) throw apiError(error);
    try {
      // By its name: others may have fetched another one by now.
      const renewed = await credentials.prepared(type, { refused: shown });
      return await send(await credentials.authenticate(type, renewed, copy(options)));
    } catch (again) {
      throw apiError(again);
    }
  }
}

const copy = (options) => ({ ...options, headers: { ...options.headers }, qs: options.qs ?? {} });

/** The tokens of an OAuth2 credential, other ones than the call was given last. */
async function refreshOAuth2Token(type) {
  const data = await credentialsOf().renewed(type);
  return data?.oauthTokenData;
}

/** `send` with the token of an OAuth2 credential, which the worker keeps fresh. */
async function withOAuth2(send, type, options, rules = {}) {
  const { tokenType, property, keepBearer, keyToIncludeInAccessTokenHeader: headerName, tokenExpiredStatusCode = 401 } = rules;
  let shown;
  const trial = async (refused) => {
    const data = await credentialsOf().connected(type, { refused });
    const kept = data?.oauthTokenData ?? {};
    shown = accessToken(data);
    const secret = (property ? get(kept, property) : undefined) ?? kept.access_token;
    const named = tokenType ?? kept.token_type ?? 'Bearer';
    const kind = keepBearer === true || /^bearer$/i.test(named) ? 'Bearer' : named;
    const made = copy(options);
    if (headerName) made.headers = { ...made.headers, [headerName]: secret };
    else made.headers = { ...made.headers, Authorization: `${kind} ${secret}` };
    return send(made);
  };
  try {
    return await trial();
  } catch (error) {
    if (statusOf(error) !== Number(tokenExpiredStatusCode)) throw error;
    // By its name: others may have renewed it by now.
    return trial(shown);
  }
}

/** `send` signed by the worker, as OAuth 1 wants it. */
async function withOAuth1(send, type, options) {
  return send({ ...options, signedBy: type });
}

module.exports = {
  apiError,
  authenticated,
  statusOf,
  operationError,
  httpRequestWithAuthentication: (type, options, more) => authenticated(httpRequest, type, options, more),
  requestWithAuthentication: (type, options, more) => authenticated(request, type, options, more),
  requestOAuth1: (type, options) => withOAuth1(request, type, typeof options === 'string' ? { url: options } : options),
  refreshOAuth2Token,
  requestOAuth2: (type, options, rules) => withOAuth2(request, type, typeof options === 'string' ? { url: options } : options, rules),
};
