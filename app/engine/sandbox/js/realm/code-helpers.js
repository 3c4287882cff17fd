// `helpers` of a Code node: requests, which the worker sends, and the files of items. What the worker is asked for and
// what it replies is JSON: {call, name, given} and {call, result, bytes, error}.
(realm, hostAsk) => {
  'use strict';

  const { define } = realm;
  const { apply } = Reflect;
  const { stringify, parse } = JSON;
  const calls = new Map();
  let lastCall = 0;

  const ask = (name, given) =>
    new Promise((resolve, reject) => {
      lastCall += 1;
      const text = stringify({ call: lastCall, name, given });
      calls.set(lastCall, { resolve, reject });
      let asked = false;
      try {
        asked = apply(hostAsk, undefined, [text]);
      } catch {
        // The stack was full on the host's side; the error object is the host's and must not get out.
      }
      if (asked === true) return;
      calls.delete(lastCall);
      reject(new Error('The request is larger than a program may send'));
    });

  function errorOf({ message, ...details }) {
    return Object.assign(new Error(message), details);
  }

  realm.reply = (text) => {
    const { call, result, bytes, error } = parse(text);
    const waiting = calls.get(call);
    if (!waiting) return;
    calls.delete(call);
    if (error) waiting.reject(errorOf(error));
    else if (typeof bytes !== 'string') waiting.resolve(result);
    else {
      const body = realm.Buffer.from(bytes, 'base64');
      waiting.resolve(result === undefined || result === null ? body : { ...result, body });
    }
  };

  const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
  const bufferOf = (value) => {
    if (typeof value === 'string') return realm.Buffer.from(value, 'utf8');
    return ArrayBuffer.isView(value)
      ? realm.Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : realm.Buffer.from(value);
  };
  const base64 = (value) => bufferOf(value).toString('base64');

  function send(name, options) {
    if (typeof options !== 'object' || options === null) throw new TypeError('The options of a request must be an object');
    const { body } = options;
    return ask(name, isBytes(body) ? { ...options, body: undefined, bytes: base64(body) } : options);
  }

  function assertBinaryData(index, name) {
    if (typeof name === 'object' && name !== null) return name;
    const file = realm.itemsOfProgram()[index]?.binary?.[name];
    if (file) return file;
    throw new Error(`The item has no binary field '${name}' [item ${index}]`);
  }

  /** A file as it stands in an item; the worker knows types and how sizes are written. */
  async function fileOf(content, about) {
    const bytes = bufferOf(content);
    const file = await ask('file', { ...about, size: bytes.length, head: base64(bytes.subarray(0, 64)) });
    const { fileSize, bytes: size, ...rest } = file;
    return { ...rest, data: bytes.toString('base64'), fileSize, bytes: size };
  }

  const helpers = {
    httpRequest: async (options) => send('httpRequest', options),
    request: async (options) => send('request', typeof options === 'string' ? { url: options } : options),
    assertBinaryData: async (index, name) => assertBinaryData(index, name),
    getBinaryDataBuffer: async (index, name) => realm.Buffer.from(assertBinaryData(index, name).data, 'base64'),
    prepareBinaryData: async (content, fileName, mimeType) => fileOf(content, { fileName, mimeType }),
    setBinaryDataBuffer: async (file, content) => fileOf(content, { file: { ...file, data: undefined } }),
    binaryToString: async (content, encoding) => bufferOf(content).toString(encoding),
  };
  const unsupported =
    'httpRequestWithAuthentication requestWithAuthenticationPaginated copyBinaryFile createReadStream getBinaryStream ' +
    'binaryToBuffer getBinaryMetadata getStoragePath getBinaryPath writeContentToFile copyInputItems returnJsonArray ' +
    'normalizeItems getSSHClient createDeferredPromise constructExecutionMetaData';
  for (const name of unsupported.split(' ')) {
    helpers[name] = () => {
      throw realm.hostError(Error, `The function "helpers.${name}" is not supported in the Code Node`);
    };
  }
  define('helpers', helpers);
}
