// Errors as they stand in run data: what n8n's classes carry, and nothing of the objects behind it.
'use strict';

// As it is before any package is loaded.
const { parse, stringify } = JSON;

const MAX_LENGTH = 100_000;
/** What tells n8n's own errors from others: these stand in run data with little more than their message. */
const isOwn = (error) => error.functionality !== undefined;

const KEPT = ['description', 'httpCode', 'level', 'functionality', 'type', 'code', 'status', 'itemIndex', 'runIndex'];
const OBJECTS = ['context', 'messages', 'tags', 'errorResponse'];

const text = (value) => (value === undefined || value === null ? undefined : String(value).slice(0, MAX_LENGTH));

function plain(value) {
  try {
    const written = stringify(value);
    return written === undefined || written.length > MAX_LENGTH ? undefined : parse(written);
  } catch {
    return undefined;
  }
}

const SOCKET = /^(?:Error: )?(?:bind|listen) (?:EPERM|EACCES)\b/;

/** What an error says; where only its system call is named, in words. */
function messageOf(error) {
  const message = text(error?.message ?? error);
  if (!SOCKET.test(message)) return message;
  return `The package opens a socket of its own (${message}), which it may not do here: it reaches other machines by way of the worker, and nobody reaches it`;
}

const SAYING = ['message', 'error_description', 'error', 'detail', 'description'];
const MAX_SAID = 500;

/** What a service has said of a request that it refused; undefined where that is no sentence. */
function saidBy(data) {
  if (typeof data === 'string') return data.trim() && !data.trimStart().startsWith('<') ? data.trim().slice(0, MAX_SAID) : undefined;
  if (typeof data !== 'object' || data === null) return undefined;
  for (const name of SAYING) {
    const said = saidBy(data[name]);
    if (said !== undefined) return said;
  }
  return undefined;
}

/** An error of a request that names only the status tells what the service has said, too. */
function withAnswer(error) {
  try {
    if (error.isAxiosError) error.description ??= saidBy(error.response?.data);
  } catch {
    // It is told as it is.
  }
  return error;
}

/** What one of its properties holds, as JSON has it. */
const held = (value) => (['string', 'number', 'boolean'].includes(typeof value) ? value : plain(value));

function told(error) {
  if (typeof error !== 'object' || error === null) return { plain: true, message: text(error) ?? String(error) };
  const { message = 'Unknown error', constructor } = error;
  const made = { plain: !isOwn(error), name: text(error.name ?? constructor?.name ?? 'Error'), message: messageOf({ message }) };
  for (const name of KEPT) if (error[name] !== undefined && error[name] !== null) made[name] = held(error[name]);
  for (const name of OBJECTS) if (error[name] !== undefined) made[name] = plain(error[name]);
  // Read by n8n's module from where the package lies here.
  if (made.tags) delete made.tags.packageName;
  if (typeof error.node?.name === 'string') made.at = error.node.name;
  const [first] = String(error.stack ?? '').split('\n    at ');
  made.stack = text(first || `${made.name}: ${made.message}`);
  return made;
}

/** { name, message, stack, description, httpCode, context, messages, at: the node that it names, ... } */
function shown(error) {
  try {
    return told(error);
  } catch {
    // Its own code fails while it is looked at.
    return { plain: true, message: 'The node has failed with an error that cannot be read' };
  }
}

module.exports = { messageOf, plain, shown, withAnswer };
