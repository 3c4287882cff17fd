// As much of n8n-workflow as the sample package needs.
'use strict';

class NodeError extends Error {
  constructor(node, error, { message, description, itemIndex } = {}) {
    super(message ?? error?.message ?? error);
    this.name = this.constructor.name;
    this.node = node;
    this.description = description;
    this.context = itemIndex === undefined ? {} : { itemIndex };
  }
}

class NodeOperationError extends NodeError {}

class NodeApiError extends NodeError {
  constructor(node, error, options) {
    super(node, error, options);
    this.httpCode = error?.response ? String(error.response.status) : null;
    this.messages = [error?.message];
  }
}

module.exports = { NodeApiError, NodeConnectionTypes: { Main: 'main' }, NodeOperationError };
