// `helpers.httpRequest` and the older `helpers.request`: the worker sends them, within the rules of its own requests.
'use strict';

const { Readable } = require('node:stream');

const { asking } = require('./calls.js');

const FORM = 'application/x-www-form-urlencoded';

const isStream = (value) => typeof value?.pipe === 'function';
const isBytes = (value) => Buffer.isBuffer(value) || ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

async function bytesOf(value) {
  if (isStream(value)) {
    const parts = [];
    for await (const part of value) parts.push(typeof part === 'string' ? Buffer.from(part) : part);
    return Buffer.concat(parts);
  }
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Buffer.from(value instanceof ArrayBuffer ? value : typeof value === 'object' ? JSON.stringify(value) : String(value));
}

const quoted = (text) => String(text).replace(/[\r\n"]/g, (sign) => ({ '"': '%22', '\r': '%0D', '\n': '%0A' })[sign]);

/** A form with files, as the older helper takes it: { field: text | bytes | stream | { value, options } }. */
async function multipart(fields) {
  const boundary = `----form${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`;
  const parts = [];
  for (const [name, given] of Object.entries(fields)) {
    for (const each of Array.isArray(given) ? given : [given]) {
      if (each === undefined || each === null) continue;
      const described = typeof each === 'object' && !isBytes(each) && !isStream(each) && 'value' in each;
      const content = described ? each.value : each;
      const { filename, contentType } = (described && each.options) || {};
      const named = typeof filename === 'object' ? filename?.filename : filename;
      const isFile = isBytes(content) || isStream(content) || named !== undefined;
      const head = [`Content-Disposition: form-data; name="${quoted(name)}"${isFile ? `; filename="${quoted(named ?? content?.path ?? 'file')}"` : ''}`];
      if (isFile) head.push(`Content-Type: ${contentType ?? 'application/octet-stream'}`);
      else if (contentType) head.push(`Content-Type: ${contentType}`);
      parts.push(Buffer.from(`--${boundary}\r\n${head.join('\r\n')}\r\n\r\n`), await bytesOf(content), Buffer.from('\r\n'));
    }
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  return { bytes: Buffer.concat(parts), type: `multipart/form-data; boundary=${boundary}` };
}

/** { bytes, type } of a body that is no text and no JSON; undefined for one that is. */
async function encoded(body) {
  if (body instanceof URLSearchParams) return { bytes: Buffer.from(`${body}`), type: `${FORM};charset=utf-8` };
  if (typeof FormData === 'function' && body instanceof FormData) {
    const response = new Response(body);
    return { bytes: Buffer.from(await response.arrayBuffer()), type: response.headers.get('content-type') };
  }
  if (typeof body?.getHeaders === 'function') {
    const headers = body.getHeaders();
    return { bytes: await bytesOf(body), type: headers['content-type'] ?? headers['Content-Type'] };
  }
  if (holdsNothing(body)) return { bytes: Buffer.from('{}'), type: 'application/json' };
  if (isBytes(body) || isStream(body)) return { bytes: await bytesOf(body), type: undefined };
  return undefined;
}

/** Whether an object names fields, all of them undefined: it is sent, while one without any is not. */
const holdsNothing = (body) =>
  typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === Object.prototype && Object.keys(body).length > 0 && Object.values(body).every((value) => value === undefined);

function withType(headers, type) {
  if (type === undefined) return headers;
  const others = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'content-type' || !type.startsWith('multipart/'));
  const has = others.some(([name]) => name.toLowerCase() === 'content-type');
  return { ...Object.fromEntries(others), ...(has ? {} : { 'content-type': type }) };
}

/** The options as JSON, with a body that is none in `bytes`. */
async function prepare(options) {
  const { body, formData, ...rest } = options;
  const isForm = typeof body === 'object' && body !== null && /^multipart\/form-data/i.test(typeOf(rest.headers));
  const fields = formData ?? (isForm && !(await isEncoded(body)) ? body : undefined);
  const made = fields !== undefined && !isStream(fields) && typeof fields.getHeaders !== 'function' ? await multipart(fields) : await encoded(formData ?? body);
  const given = made
    ? { ...rest, headers: withType(rest.headers, made.type), bytes: made.bytes.toString('base64') }
    : { ...rest, body };
  const { url, uri, qs, auth } = given;
  return {
    ...given,
    url: url instanceof URL ? url.href : url,
    uri: uri instanceof URL ? uri.href : uri,
    qs: qs instanceof URLSearchParams ? Object.fromEntries(qs) : qs,
    auth: auth?.sendImmediately === false ? undefined : auth,
    agent: undefined,
    httpAgent: undefined,
    httpsAgent: undefined,
    abortSignal: undefined,
  };
}

const typeOf = (headers) => String(Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '');
const isEncoded = async (body) => isBytes(body) || isStream(body) || typeof body.getHeaders === 'function' || (typeof FormData === 'function' && body instanceof FormData);

/** What the worker answers; an error is marked as a request's. */
async function ask(name, given) {
  try {
    return await asking().ask(name, given);
  } catch (error) {
    if (name === 'httpRequest' && isRaw(given.encoding) && error.response) error.response.data = Buffer.from(error.response.data);
    throw Object.defineProperty(error, 'isAxiosError', { value: true });
  }
}

async function httpRequest(options) {
  if (typeof options !== 'object' || options === null) throw new TypeError('The options of a request must be an object');
  const answer = await ask('httpRequest', await prepare(options));
  return streamed(answer, options.encoding === 'stream', Boolean(options.returnFullResponse), isRaw(options.encoding));
}

const isRaw = (encoding) => ['arraybuffer', 'stream', 'blob'].includes(encoding);

async function request(first, second) {
  const options = typeof first === 'object' && !(first instanceof URL) ? first : { ...second, url: String(first) };
  const raw = options.useStream || options.encoding === null || isRaw(options.encoding);
  const empty = isEmptyForm(options) && typeOf(options.headers) === '' ? { headers: { ...options.headers, 'content-type': FORM } } : {};
  const prepared = { ...(await prepare({ ...options, ...empty })), ...(raw ? { encoding: null } : {}) };
  const answer = await ask('request', prepared);
  return streamed(answer, Boolean(options.useStream) || options.encoding === 'stream', Boolean(options.resolveWithFullResponse), raw);
}

/** Whether a request has no body but is sent as a form, as the older helper does it. */
const isEmptyForm = ({ body, form, method = 'GET' }) =>
  (body === '' && /^(post|put|patch)$/i.test(method)) || (body === undefined && typeof form === 'object' && form !== null && !Object.keys(form).length);

function streamed(answer, stream, full, raw) {
  if (!raw) return answer;
  const body = stream ? Readable.from([answer.body], { objectMode: false }) : answer.body;
  return full ? { ...answer, body } : body;
}

module.exports = { bytesOf, httpRequest, isStream, request };
