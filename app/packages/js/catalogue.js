// Reads what a package offers: { format, nodes, credentials, broken }; see manifest.py. One request is one package.
'use strict';

const path = require('node:path');

const { ANSWER, FrameReader, PING, PONG, RUN, writeFrame } = require('../../engine/sandbox/js/frames.js');
const { messageOf } = require('./errors.js');
const { classNameOf, contentsOf, loadClass } = require('./loading.js');

// As it is before any package is loaded.
const { parse, stringify } = JSON;

/** Says that a file is being loaded, so that the worker knows which one has ended or held the process. */
const LOADING = 8;
const MAX_MESSAGE_LENGTH = 1000;
const MAX_STACK_LENGTH = 10_000;

const isFunction = (value) => typeof value === 'function';
const isName = (value) => typeof value === 'string' && value !== '';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const functionsIn = (object) => Object.keys(object ?? {}).filter((name) => isFunction(object[name]));

/** [version, node] of each version of a node type. */
function versionsOf(node) {
  if (node.nodeVersions) return Object.entries(node.nodeVersions).map(([version, each]) => [Number(version), each]);
  const { version = 1 } = node.description;
  return (Array.isArray(version) ? version : [version]).map((each) => [Number(each), node]);
}

/** [{ versions, description }]: versions of the same description stand together. */
function descriptionsOf(versions) {
  const found = new Map();
  for (const [version, { description }] of versions) {
    const text = stringify(description);
    if (!found.has(text)) found.set(text, { versions: [], description });
    found.get(text).versions.push(version);
  }
  return [...found.values()];
}

const hasRouting = ({ requestDefaults, properties }) => requestDefaults !== undefined || stringify(properties ?? []).includes('"routing"');

function runsOf(node) {
  const runs = ['execute', 'webhook', 'poll', 'trigger', 'supplyData'].filter((name) => isFunction(node[name]));
  if (!runs.length && hasRouting(node.description)) runs.push('routing');
  return runs;
}

function describeNode(packageName, file, node) {
  if (!isName(node?.description?.name)) throw new Error('The class describes no node');
  const versions = versionsOf(node);
  if (!versions.length || versions.some(([version]) => !Number.isFinite(version))) throw new Error('The node has no version');
  const kinds = versions.map(([, each]) => each);
  const merge = (lists) => [...new Set(lists.flat())];
  const named = (property) => {
    const names = merge(kinds.map((each) => Object.keys(each[property] ?? {})));
    return Object.fromEntries(names.map((name) => [name, merge(kinds.map((each) => functionsIn(each[property]?.[name])))]));
  };
  return {
    type: `${packageName}.${node.description.name}`,
    file,
    className: classNameOf(file),
    descriptions: descriptionsOf(versions),
    runs: merge(kinds.map(runsOf)),
    methods: named('methods'),
    webhookMethods: named('webhookMethods'),
    tool: kinds.some(({ description }) => Boolean(description.usableAsTool)) || Boolean(node.description.usableAsTool),
  };
}

function describeCredential(file, credential) {
  if (!isName(credential?.name)) throw new Error('The class describes no credential');
  const { name, displayName, authenticate, preAuthentication, properties = [], test } = credential;
  if (!Array.isArray(properties) || !properties.every(isObject)) throw new Error('Its properties are no list of fields');
  return {
    name,
    displayName: String(displayName ?? name),
    file,
    className: classNameOf(file),
    extends: [credential.extends ?? []].flat().filter(isName),
    properties,
    authenticate: isFunction(authenticate) ? 'function' : isObject(authenticate) ? authenticate : null,
    preAuthentication: isFunction(preAuthentication),
    test: isObject(test) ? test : null,
  };
}

const MODULES = `node_modules${path.sep}`;

/** Where V8 gave up reading a file, which may be another one than the package's own: its stack begins with that. */
function placeOf(error) {
  const [first] = String(error.stack).slice(0, MAX_STACK_LENGTH).split('\n', 1);
  if (!/:\d+$/.test(first)) return undefined;
  const modules = first.lastIndexOf(MODULES);
  return modules < 0 ? path.basename(first) : first.slice(modules + MODULES.length);
}

/** What an error says, and of what cannot be read as JavaScript in which file: whatever a file throws, it is the file's own matter. */
function shortOf(error) {
  try {
    const message = messageOf(error).slice(0, MAX_MESSAGE_LENGTH);
    const place = error instanceof SyntaxError ? placeOf(error) : undefined;
    return place ? `${message} (${place})` : message;
  } catch {
    return 'It fails with an error that cannot be read';
  }
}

const shownCount = (count) => count.toLocaleString('en-US');

/** { bytes, values } of what a file describes. Throws where it is more than may be kept, or cannot be kept at all. */
function sizeOf(described, { fileBytes, fileValues, versions }) {
  let values = 0;
  const text = stringify(described, (name, value) => {
    values += 1;
    if (values > fileValues) throw new Error(`It describes more than ${shownCount(fileValues)} values, the most that one file may`);
    return value;
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > fileBytes) throw new Error(`Its description has ${shownCount(bytes)} bytes; ${shownCount(fileBytes)} are allowed`);
  const count = (described.descriptions ?? []).reduce((sum, each) => sum + each.versions.length, 0);
  if (count > versions) throw new Error(`It has ${shownCount(count)} versions; ${shownCount(versions)} are allowed`);
  return { bytes, values };
}

/**
 * The manifest of the package in `folder`; `broken` are files that are known to be so, and not loaded. Throws for a
 * package that offers more than may be kept.
 */
function read({ folder, broken, bounds }) {
  const { name, nodes, credentials } = contentsOf(folder);
  const count = nodes.length + credentials.length;
  if (count > bounds.files) throw new Error(`It lists ${shownCount(count)} files; ${shownCount(bounds.files)} are allowed`);
  const whole = { bytes: 0, values: 0 };
  const found = { format: 1, nodes: [], credentials: [], broken: [...broken] };
  const known = new Set(broken.map(({ file }) => file));
  const load = (files, list, describe) => {
    for (const file of files.filter((each) => !known.has(each))) {
      writeFrame(0, LOADING, file);
      try {
        const described = describe(file, new (loadClass(folder, file, classNameOf(file)))());
        const size = sizeOf(described, bounds);
        for (const part of ['bytes', 'values']) whole[part] += size[part];
        list.push(described);
      } catch (error) {
        found.broken.push({ file, message: shortOf(error) });
      }
      for (const part of ['bytes', 'values']) {
        if (whole[part] > bounds[part]) throw new Error(`Its files describe more than ${shownCount(bounds[part])} ${part}, the most that one package may`);
      }
    }
  };
  load(nodes, found.nodes, (file, node) => describeNode(name, file, node));
  load(credentials, found.credentials, describeCredential);
  return found;
}

function start({ stdin }) {
  const reader = new FrameReader();
  stdin.on('data', (chunk) =>
    reader.push(chunk, (id, kind, payload) => {
      if (kind === PING) writeFrame(id, PONG, '');
      if (kind !== RUN) return;
      let answer;
      try {
        answer = { manifest: read(parse(payload.toString())) };
      } catch (error) {
        answer = { error: shortOf(error) };
      }
      writeFrame(id, ANSWER, stringify(answer));
    }),
  );
  writeFrame(0, ANSWER, '');
}

module.exports = { start };
