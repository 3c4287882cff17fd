// Loads classes from the files of packages. A package that comes without `n8n-workflow` gets the stand-in.
'use strict';

const fs = require('node:fs');
const { createRequire, registerHooks } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const STOOD_IN = /^n8n-(?:workflow|core)(?=\/|$)/;

/** Lets packages find `n8n-workflow` in that folder where they bring none of their own. */
function standInFor(folder) {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const [name] = STOOD_IN.exec(specifier) ?? [];
      if (name === undefined) return nextResolve(specifier, context);
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        const file = path.join(folder, name, 'index.js');
        if (!fs.existsSync(file)) throw error;
        return { url: pathToFileURL(file).href, format: 'commonjs', shortCircuit: true };
      }
    },
  });
}

/** What its package.json says that a package offers: { name, nodes: [file], credentials: [file] }. */
function contentsOf(folder) {
  const text = fs.readFileSync(path.join(folder, 'package.json'), 'utf8').replace(/^\uFEFF/, '');
  const { name, n8n = {} } = JSON.parse(text);
  const files = (list) => (Array.isArray(list) ? list.filter((file) => typeof file === 'string') : []);
  return { name, nodes: files(n8n.nodes), credentials: files(n8n.credentials) };
}

/** The class that a file is named after: of `Acme.node.js` it is `Acme`. */
const classNameOf = (file) => path.basename(file).replace(/\.(?:node|credentials)?\.?[cm]?js$/, '');

/** A class of a package. Throws whatever loading it throws. */
function loadClass(folder, file, className) {
  // By a way of the package's own, so that its modules lead to none of ours.
  const exported = createRequire(path.join(folder, 'package.json'))(inside(folder, file));
  const found = exported[className] ?? exported.default?.[className] ?? exported.default ?? exported;
  if (typeof found === 'function') return found;
  const classes = Object.values(exported).filter((each) => typeof each === 'function');
  if (classes.length === 1) return classes[0];
  throw new Error(`The file exports no class named ${className}`);
}

const instances = new Map();

/** The one object of a class of a package. */
function instanceOf({ folder, file, className }) {
  const key = `${folder}\0${file}`;
  if (!instances.has(key)) instances.set(key, new (loadClass(folder, file, className))());
  return instances.get(key);
}

/** What runs a version of a node type. */
function nodeOf({ version, ...where }) {
  const node = instanceOf(where);
  const found = node.nodeVersions ? node.nodeVersions[version] : node;
  if (!found) throw new Error(`The node has no version ${version}`);
  return found;
}

/** The module `n8n-workflow` as the package sees it. */
const workflowModule = ({ folder, file }) => createRequire(path.join(folder, file))('n8n-workflow');

function inside(folder, file) {
  const full = path.resolve(folder, file);
  if (!full.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep)) throw new Error('The file lies outside of its package');
  return full;
}

module.exports = { classNameOf, contentsOf, instanceOf, loadClass, nodeOf, standInFor, workflowModule };
