// Errors that nodes throw. The host reads their fields, so they have the names that users of n8n know.
'use strict';

const { UNKNOWN, ofStatus, ofWords } = require('./sentences.js');

const MAX_DEPTH = 10;

/** An error with a level, and what else is to be known of it. */
class BaseError extends Error {
  constructor(message, { level = 'error', description, shouldReport, tags = {}, extra, ...rest } = {}) {
    super(message, rest);
    this.level = level;
    this.shouldReport = shouldReport ?? level === 'error';
    this.description = description;
    this.tags = tags;
    if (extra !== undefined) this.extra = extra;
  }
}

class ApplicationError extends Error {
  constructor(message, { level = 'error', tags = {}, extra, ...rest } = {}) {
    super(message, rest);
    Object.assign(this, { level, tags, extra });
  }
}

class UserError extends BaseError {
  constructor(message, options = {}) {
    super(message, { level: 'info', ...options });
  }
}

class OperationalError extends BaseError {
  constructor(message, options = {}) {
    super(message, { level: 'warning', ...options });
  }
}

class UnexpectedError extends BaseError {
  constructor(message, options = {}) {
    super(message, { level: 'error', ...options });
  }
}

/** What is thrown while a workflow runs. */
class ExecutionBaseError extends BaseError {
  constructor(message, { cause, errorResponse, ...options } = {}) {
    super(message, { level: 'warning', shouldReport: true, ...(cause instanceof Error ? { cause } : {}), ...options });
    this.name = this.constructor.name;
    this.timestamp = Date.now();
    this.context = {};
    this.functionality = 'regular';
    if (errorResponse !== undefined) this.errorResponse = errorResponse;
  }
}

/** An error of one node, made of a text, an error, or what a service said. */
class NodeError extends ExecutionBaseError {
  constructor(node, error, options = {}) {
    const given = error instanceof Error;
    const said = typeof error === 'string' ? error : error?.message;
    super(typeof said === 'string' ? said : '', { cause: given ? error : undefined, errorResponse: given || typeof error === 'string' ? undefined : error });
    this.node = node;
    this.messages = [];
    if (error instanceof NodeError) {
      this.tags = { ...error.tags, reWrapped: true };
      this.messages = [...error.messages];
      this.context = { ...error.context };
    }
    if (typeof error?.description === 'string') this.description = error.description;
    const { level, functionality, type, itemIndex, runIndex } = options;
    if (level) this.level = level;
    if (functionality) this.functionality = functionality;
    if (type) this.type = type;
    if (itemIndex !== undefined) this.context.itemIndex = itemIndex;
    if (runIndex !== undefined) this.context.runIndex = runIndex;
  }

  /** Says the sentence for what the texts name in place of its own message, which is kept. */
  explain(texts, mapping) {
    const sentence = ofWords(texts, mapping);
    if (sentence === undefined) return false;
    if (this.message) this.messages.push(this.message);
    this.message = sentence;
    return true;
  }
}

class NodeOperationError extends NodeError {
  constructor(node, error, options = {}) {
    super(node, error, options);
    if (options.message) this.message = options.message;
    if (options.description !== undefined) this.description = options.description;
    this.explain([this.message, ...(options.messages ?? [])], options.messageMapping);
  }
}

class NodeSslError extends ExecutionBaseError {
  constructor(cause) {
    super("SSL Issue: consider using the 'Ignore SSL issues' option", { cause, level: 'error' });
  }
}

class WorkflowOperationError extends ExecutionBaseError {
  constructor(message, node, description) {
    super(message, { description });
    this.node = node;
  }
}

class ExpressionError extends ExecutionBaseError {
  constructor(message, options = {}) {
    super(message, { ...options, shouldReport: false });
    Object.assign(this.context, options);
  }
}

class TriggerCloseError extends ApplicationError {
  constructor(node, { cause, level = 'warning' } = {}) {
    super('Trigger Close Failed', { cause, level, extra: { nodeName: node?.name } });
  }
}

module.exports = {
  ApplicationError,
  BaseError,
  MAX_DEPTH,
  ExecutionBaseError,
  ExpressionError,
  NodeError,
  NodeOperationError,
  NodeSslError,
  OperationalError,
  TriggerCloseError,
  UNKNOWN,
  UnexpectedError,
  UserError,
  WorkflowOperationError,
  ofStatus,
};
