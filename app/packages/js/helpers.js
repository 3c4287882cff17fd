// `this.helpers` of a node.
'use strict';

const dns = require('node:dns');

const { authenticated, ...authentication } = require('./authentication.js');
const { binaryHelpers } = require('./binary.js');
const { constructExecutionMetaData, copyInputItems, normalizeItems, returnJsonArray } = require('./items.js');
const { httpRequest, request } = require('./requests.js');
const { paginated } = require('./pagination.js');

const NAMES = 'createReadStream getStoragePath getBinaryPath writeContentToFile getSSHClient isFilePathBlocked ' +
  'getCronExpressions registerCron checkProcessedAndRecord checkProcessedItemsAndRecord removeProcessed clearAllProcessedItems ' +
  'getProcessedDataCount getDataTableProxy getDataTableAggregateProxy';

/** Helpers that are not there: each says so. */
const absent = Object.fromEntries(
  NAMES.split(' ').map((name) => [
    name,
    () => {
      throw new Error(`The function "helpers.${name}" is not offered to node packages`);
    },
  ]),
);

/** A promise with what settles it. */
function createDeferredPromise() {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
}

/** Lets everything pass: each connection is checked where it is made, in the worker. */
const egressFilter = () => ({
  validateUrl: async () => ({ ok: true, result: undefined }),
  validateConnectionHost: () => ({ ok: true, result: undefined }),
  createSecureLookup: () => dns.lookup,
  validateRedirectSync() {},
});

/** The helpers for a node with these inputs; `fail(message, item, description)` makes its errors. */
function helpersOf(inputs, fail) {
  return {
    ...absent,
    ...binaryHelpers(inputs, fail),
    constructExecutionMetaData,
    copyInputItems,
    createDeferredPromise,
    getSecureEgressFilter: egressFilter,
    httpRequest,
    normalizeItems,
    request,
    refreshOAuth2Token: authentication.refreshOAuth2Token,
    requestOAuth1: authentication.requestOAuth1,
    requestOAuth2: authentication.requestOAuth2,
    httpRequestWithAuthentication: authentication.httpRequestWithAuthentication,
    requestWithAuthentication: authentication.requestWithAuthentication,
    requestWithAuthenticationPaginated: (options, item, rules, type, more) =>
      paginated(type ? (each) => authenticated(request, type, each, more) : request, options, item, rules),
    returnJsonArray,
  };
}

module.exports = { helpersOf };
