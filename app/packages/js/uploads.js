// The files of a form that came in: each lies in the process's own folder while the call lasts, as packages expect it.
'use strict';

const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** { field: file or [file, ...] } of { field: [the entry of a file, ...] }, as formidable names what a file has. */
async function put(call, files = {}) {
  const folder = path.join(os.tmpdir(), `form-${randomUUID()}`);
  await fs.promises.mkdir(folder);
  call.atEnd(() => fs.rmSync(folder, { recursive: true, force: true }));
  const made = {};
  for (const [field, entries] of Object.entries(files)) {
    const several = [];
    for (const entry of entries) several.push(await putOne(folder, entry));
    made[field] = several.length === 1 ? several[0] : several;
  }
  return made;
}

async function putOne(folder, { data, fileName, mimeType }) {
  const bytes = Buffer.from(data, 'base64');
  const newFilename = randomUUID();
  const filepath = path.join(folder, newFilename);
  await fs.promises.writeFile(filepath, bytes);
  return { filepath, newFilename, originalFilename: fileName ?? null, mimetype: mimeType, size: bytes.length };
}

module.exports = { put };
