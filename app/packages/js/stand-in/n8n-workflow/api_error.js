// The error of a service that has refused a request: what it said is looked for where services put it.
'use strict';

const { MAX_DEPTH, NodeError, UNKNOWN, ofStatus } = require('./errors.js');

const CODES = ['statusCode', 'status', 'code', 'status_code', 'errorCode', 'error_code', 'httpCode'];
const WRAPPERS = ['error', 'err', 'response', 'body', 'data', 'cause'];
const TELLING = [
  'cause', 'error', 'message', 'Message', 'msg', 'messages', 'detail', 'details', 'description', 'reason', 'errorMessage', 'error_message',
  'errorMessages', 'error_description', 'ErrorMessage', 'title', 'text', 'errors', 'err', 'errorInfo', 'error_info', 'type',
];

const isObject = (value) => typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
const isText = (value) => typeof value === 'string' && value !== '';

/** The status, or another code: the nearest one. */
function codeIn(object, depth = 0) {
  if (!isObject(object) || depth > MAX_DEPTH) return undefined;
  for (const key of CODES) {
    const value = object[key];
    if (isText(value) || typeof value === 'number') return String(value);
  }
  for (const key of WRAPPERS) {
    const found = codeIn(object[key], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The text that tells most: what the answer's body says, else what stands beside. */
function textIn(object, depth = 0) {
  if (!isObject(object) || depth > MAX_DEPTH) return undefined;
  for (const body of [object.response?.data, object.response?.body]) {
    const found = textIn(body, depth + 1);
    if (found !== undefined) return found;
  }
  for (const key of TELLING) {
    const value = object[key];
    if (isText(value)) return value;
    if (typeof value === 'number') return String(value);
    const found = Array.isArray(value) ? joined(value, depth) : textIn(value, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function joined(values, depth) {
  const texts = values.slice(0, 100).map((value) => (isObject(value) ? textIn(value, depth + 1) : value));
  return texts.some(isText) ? texts.filter(isText).join(' | ') : undefined;
}

/** What a service says in so many words, which counts more than what the node says of it. */
function sentenceIn(body) {
  return [body?.message, body?.error?.message].find(isText);
}

class NodeApiError extends NodeError {
  constructor(node, errorResponse, options = {}) {
    if (errorResponse instanceof NodeApiError) return errorResponse;
    super(node, errorResponse, options);
    const { message, description, httpCode, parseXml, messageMapping } = options;
    const said = typeof errorResponse === 'string' ? errorResponse : errorResponse?.message;
    if (isText(said)) this.messages.push(said);
    if (isObject(errorResponse?.response?.data)) this.context.data = errorResponse.response.data;
    this.httpCode = httpCode ?? codeIn(errorResponse) ?? null;
    const text = parseXml ? undefined : textIn(errorResponse);
    const sentence = ofStatus(this.httpCode);
    const told = sentenceIn(errorResponse?.response?.data) ?? description;
    if (message) {
      this.message = message;
      this.description = told ?? this.description ?? (text === message ? undefined : text);
      this.explain([this.httpCode, said], messageMapping);
      return;
    }
    if (sentence !== undefined) {
      this.message = sentence;
      this.description = told ?? this.description ?? text ?? null;
      return;
    }
    if (told !== undefined && this.message) this.description = told;
    else this.message ||= told ?? '';
    if (this.explain([this.httpCode, said, text], messageMapping)) return;
    this.message ||= text ?? UNKNOWN;
    if (this.description === undefined && text !== undefined && text !== this.message) this.description = text;
    if (!this.description && this.message === UNKNOWN) this.description = 'The service gave no reason. Look at the parameters and the credential of the node, and at what the service expects.';
  }
}

module.exports = { NodeApiError };
