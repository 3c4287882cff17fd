// The files of items: they travel in the items themselves, in base64.
'use strict';

const fs = require('node:fs');
const { Readable } = require('node:stream');

const { current } = require('./calls.js');
const { bytesOf } = require('./requests.js');

const HEAD = 64;

/** The functions of `helpers` that handle files; `inputs` are the items at each input of the node. */
function binaryHelpers(inputs, fail) {
  function assertBinaryData(index, name, input = 0) {
    if (typeof name === 'object' && name !== null) return name;
    const item = inputs[input]?.[index];
    const file = item?.binary?.[name];
    if (file) return file;
    if (item?.binary) {
      throw fail(`The item has no binary field '${name}' [item ${index}]`, index, 'Check that the parameter where you specified the input binary field name is correct, and that it matches a field in the binary input');
    }
    throw fail(`This operation expects the node's input data to contain a binary file '${name}', but none was found [item ${index}]`, index, 'Make sure that the previous node outputs a binary file');
  }

  const fileOf = async (bytes, about) => {
    const file = await current().ask('file', { ...about, size: bytes.length, head: bytes.subarray(0, HEAD).toString('base64') });
    return { ...file, data: bytes.toString('base64') };
  };

  return {
    assertBinaryData,
    getBinaryDataBuffer: async (index, name, input) => Buffer.from(assertBinaryData(index, name, input).data, 'base64'),
    prepareBinaryData: async (content, path, mimeType) => {
      const named = path ?? content?.path ?? content?.responseUrl;
      return fileOf(await bytesOf(content), { fileName: typeof named === 'string' ? named : undefined, mimeType: mimeType ?? content?.contentType });
    },
    copyBinaryFile: async (file, name, mimeType) => fileOf(await fs.promises.readFile(file), { fileName: name, mimeType }),
    setBinaryDataBuffer: async (file, content) => fileOf(await bytesOf(content), { file: { ...file, data: undefined } }),
    getBinaryStream: async (id) => Readable.from([await contentOf(id)], { objectMode: false }),
    binaryToBuffer: async (content) => bytesOf(content),
    binaryToString: async (content, encoding = 'utf-8') => new TextDecoder(encoding).decode(await bytesOf(content)),
    getBinaryMetadata: async (file) => ({ fileName: file?.fileName, mimeType: file?.mimeType, fileSize: (await contentOf(file)).length }),
    detectBinaryEncoding: () => 'UTF-8',
    createBinarySignedUrl: () => {
      throw new Error('Files are kept in items here, and have no address of their own');
    },
  };
}

/** What a file holds; packages hand on the file itself, or what they take for its id. */
async function contentOf(file) {
  if (typeof file === 'object' && typeof file?.data === 'string') return Buffer.from(file.data, 'base64');
  throw new Error('Files are kept in items here, and have no id');
}

module.exports = { binaryHelpers };
