// As much of n8n-workflow as the sample package needs.
'use strict';

class NodeOperationError extends Error {
  constructor(node, error, options = {}) {
    super(error instanceof Error ? error.message : error);
    this.name = 'NodeOperationError';
    this.node = node;
    this.description = options.description;
    this.context = options.itemIndex === undefined ? {} : { itemIndex: options.itemIndex };
  }
}

module.exports = { NodeConnectionTypes: { Main: 'main' }, NodeOperationError };
