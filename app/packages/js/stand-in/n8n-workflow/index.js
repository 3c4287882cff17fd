// Stands in for the module that nodes are written against, where a package brings none of its own. What a package
// asks for and is not here is named when it asks.
'use strict';

const { ApplicationError, BaseError, ExecutionBaseError, ExpressionError, NodeError, NodeOperationError, NodeSslError } = require('./errors.js');
const { OperationalError, TriggerCloseError, UnexpectedError, UserError, WorkflowOperationError } = require('./errors.js');
const { NodeApiError } = require('./api_error.js');
const connections = require('./connections.js');
const values = require('./values.js');

const nothing = () => undefined;
const offered = {
  ...connections,
  ...values,
  ApplicationError,
  BINARY_ENCODING: 'base64',
  BaseError,
  ExecutionBaseError,
  ExpressionError,
  LoggerProxy: { debug: nothing, error: nothing, info: nothing, init: nothing, verbose: nothing, warn: nothing },
  NodeApiError,
  NodeError,
  NodeOperationError,
  NodeSslError,
  OperationalError,
  SEND_AND_WAIT_OPERATION: 'sendAndWait',
  TriggerCloseError,
  UnexpectedError,
  UserError,
  WAIT_INDEFINITELY: new Date('3000-01-01T00:00:00.000Z'),
  WorkflowOperationError,
};

/** Names that loaders and runtimes ask every module for. */
const ASKED_OF_ALL = new Set(['__esModule', 'default', 'then', 'toJSON', 'module.exports', ...Object.getOwnPropertyNames(Object.prototype)]);

module.exports = new Proxy(offered, {
  get(target, name) {
    if (typeof name === 'symbol' || Object.hasOwn(target, name) || ASKED_OF_ALL.has(name)) return target[name];
    throw new Error(`The package uses "${name}" of n8n-workflow, which this program does not offer to packages that come without n8n-workflow`);
  },
});

// Read by the loader of ES modules, which does not run what it looks for names in.
0 &&
  (module.exports = {
    ApplicationError, BINARY_ENCODING, BaseError, ExecutionBaseError, ExpressionError, LoggerProxy, NodeApiError, NodeConnectionType,
    NodeConnectionTypes, NodeError, NodeOperationError, NodeSslError, OperationalError, SEND_AND_WAIT_OPERATION, TriggerCloseError,
    UnexpectedError, UserError, WAIT_INDEFINITELY, WorkflowOperationError, deepCopy, ensureError, isObjectEmpty, jsonParse, jsonStringify,
    nodeConnectionTypes, randomInt, randomString, removeCircularRefs, replaceCircularReferences, sleep, sleepWithAbort, updateDisplayOptions,
  });
