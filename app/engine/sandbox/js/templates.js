// Turns the expressions of n8n's templates into JavaScript source. Only text and syntax: nothing is run here.
'use strict';

const acorn = require('acorn');

const { isPlain } = require('./plain.js');
const { print } = require('./print.js');

/** What n8n lets fail the node, with its message. */
class TemplateError extends Error {}

// The globals of the language that an expression may name. n8n answers {} for BLOCKED; anything else is undefined.
const GLOBALS = new Set(
  ('Object Array String Number Boolean Symbol BigInt Math JSON Date RegExp Map Set WeakMap WeakSet Intl Error TypeError ' +
    'RangeError SyntaxError ReferenceError EvalError URIError AggregateError ArrayBuffer DataView Int8Array Uint8Array ' +
    'Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array ' +
    'BigUint64Array isNaN isFinite parseInt parseFloat encodeURI encodeURIComponent decodeURI decodeURIComponent ' +
    'undefined NaN Infinity').split(' '),
);
const BLOCKED = new Set(
  ('document global globalThis self alert prompt confirm eval setTimeout setInterval Function fetch XMLHttpRequest ' +
    'Promise Generator GeneratorFunction AsyncFunction AsyncGenerator AsyncGeneratorFunction WebAssembly Reflect Proxy ' +
    'escape unescape process require module Buffer Atomics queueMicrotask').split(' '),
);
const FORBIDDEN_MEMBERS = new Set(['__proto__', 'prototype', 'getPrototypeOf', 'setPrototypeOf', 'prepareStackTrace',
  '__lookupGetter__', '__lookupSetter__', '__defineGetter__', '__defineSetter__', 'caller', 'arguments']);
const CONSTRUCTOR = ['Expression contains invalid constructor function call', 'Cannot access "constructor" due to security concerns'];
const LINE_END = /[\n\r\u2028\u2029]/;
const EMPTY_OBJECT = { type: 'ParenthesizedExpression', expression: { type: 'ObjectExpression', properties: [] } };
const MUTATORS = new Set(['sort', 'reverse', 'push', 'pop', 'shift', 'unshift', 'splice', 'fill', 'copyWithin', 'set',
  'delete', 'add', 'clear', 'assign', 'defineProperty', 'defineProperties']);

function parse(code) {
  let expression;
  try {
    expression = acorn.parseExpressionAt(code, 0, { ecmaVersion: 'latest', preserveParens: true });
    // What stands behind a first statement is never reached, but it has to be one.
    const rest = code.slice(expression.end);
    const [next] = acorn.tokenizer(rest, { ecmaVersion: 'latest' });
    const ends = !next || next.type === acorn.tokTypes.semi || LINE_END.test(rest.slice(0, next.start));
    if (!ends) throw new TemplateError('invalid syntax');
    acorn.parse(rest, { ecmaVersion: 'latest', allowReturnOutsideFunction: true });
  } catch {
    throw new TemplateError('invalid syntax');
  }
  // A statement's reading, where it differs from the expression's, is the one n8n refuses.
  if (expression.type === 'ClassExpression' || startsWithFunction(expression)) throw new TemplateError('invalid syntax');
  return expression;
}

function startsWithFunction(node) {
  for (let left = node; left; left = left.callee ?? left.object ?? left.tag ?? left.left ?? left.test ?? left.expressions?.[0]) {
    if (left.type === 'FunctionExpression') return true;
    if (left.type === 'ParenthesizedExpression' || left.type === 'TemplateLiteral') return false;
  }
  return false;
}

/** Visits `node` and then every node below it. */
function walk(node, visit) {
  visit(node);
  for (const key in node) {
    const child = node[key];
    if (Array.isArray(child)) {
      for (const each of child) if (each && typeof each.type === 'string') walk(each, visit);
    } else if (child && typeof child.type === 'string') {
      walk(child, visit);
    }
  }
}

/** `$if(a, b, c)` is no function: only one of b and c is ever looked at, whatever the other one would throw. */
function choose(node) {
  const [test, consequent, alternate = { type: 'Literal', value: false, raw: 'false' }, ...rest] = node.arguments;
  if ([test, consequent, alternate, ...rest].some((each) => each?.type === 'SpreadElement')) return;
  if (!consequent) throw new TemplateError('invalid syntax');
  const expression = { type: 'ConditionalExpression', test, consequent, alternate };
  for (const key of Object.keys(node)) delete node[key];
  Object.assign(node, { type: 'ParenthesizedExpression', expression });
}

/** A `return` that ends its line in front of a template over several lines returns that template, as in n8n. */
function joinReturns(statements, code) {
  for (let i = 0; i + 1 < statements.length; i++) {
    let last = statements[i];
    while (last.type === 'IfStatement') last = last.alternate ?? last.consequent;
    const { type, expression } = statements[i + 1];
    if (last.type !== 'ReturnStatement' || last.end - last.start !== 'return'.length) continue;
    if (type !== 'ExpressionStatement' || expression.type !== 'TemplateLiteral') continue;
    if (!LINE_END.test(code.slice(expression.start, expression.end))) continue;
    last.argument = expression;
    statements.splice(i + 1, 1);
  }
}

/** Tells whether an optional link (?.) stands to the left of the node in the same chain. */
function hasOptionalLink(node) {
  for (let link = node; link; link = link.type === 'CallExpression' ? link.callee : link.object) {
    if (link.optional) return true;
    if (link.type !== 'CallExpression' && link.type !== 'MemberExpression') return false;
  }
  return false;
}

function withoutBrackets(node) {
  let inner = node;
  while (inner.type === 'ParenthesizedExpression') inner = inner.expression;
  return inner;
}

const forbidden = (name) => new TemplateError(`Cannot access "${name}" due to security concerns`);
const identifier = (name) => ({ type: 'Identifier', name });
const member = (object, property, more) => ({ type: 'MemberExpression', object, property, computed: false, optional: false, ...more });
const call = (callee, given) => ({ type: 'CallExpression', callee, arguments: given, optional: false });
const symbolOf = (name) => member(identifier('__methods'), identifier(name));

/** Lets a call of one of n8n's methods go by way of realm/methods: `x.sum()` becomes `__call.sum(x)()`. */
function redirect(node) {
  const { callee } = node;
  const { name } = callee.property;
  if (!node.optional && !hasOptionalLink(callee)) {
    node.callee = call(member(identifier('__call'), identifier(name)), [callee.object]);
    return;
  }
  // Only JavaScript's own syntax can skip the rest of the chain, so here the method hangs on Object.prototype.
  const { object } = callee;
  if (!callee.optional && object.type === 'MemberExpression' && object.property.type !== 'PrivateIdentifier') {
    // `a?.b.isEmpty()` asks undefined when a has no b, which no property can: see $of in realm/methods.
    const key = object.computed ? object.property : { type: 'Literal', value: object.property.name };
    callee.object = call(member(object.object, symbolOf('$of'), { computed: true, optional: object.optional }), [key]);
  }
  Object.assign(callee, { property: symbolOf(name), computed: true });
}

/**
 * @param code what stands between {{ and }}
 * @param isMethod tells whether n8n knows a method of that name (see realm/methods)
 * @param isVariable tells whether n8n knows a variable of that name
 * @returns {source, variables, unknown, mutates, plain, arrow}: a function body, and the names of its parameters;
 *   whether it may change what it is given; whether it can only give data; its text if it is an arrow function
 */
function rewrite(code, isMethod, isVariable) {
  const tree = parse(code);
  const plain = isPlain(tree);
  const names = new Set();
  const edits = [];
  const properties = new Set();
  const callees = new Set();
  const declared = new Set();
  const declare = (pattern) => {
    if (pattern) walk(pattern, ({ type, name }) => type === 'Identifier' && declared.add(name));
  };
  let mutates = false;
  walk(tree, (node) => {
    switch (node.type) {
      case 'ImportExpression':
        throw new TemplateError('Imports are not supported');
      case 'MetaProperty':
      case 'AwaitExpression':
        throw new TemplateError('invalid syntax');
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
      case 'FunctionDeclaration':
        // A promise could never be settled here: an expression's value is taken at once.
        if (node.async) throw new TemplateError('Expression evaluation failed: #<Promise> could not be cloned.');
        for (const each of [node.id, ...node.params]) declare(each);
        break;
      case 'VariableDeclarator':
        declare(node.id);
        break;
      case 'BlockStatement':
        joinReturns(node.body, code);
        break;
      case 'AssignmentExpression':
        if (node.left.type !== 'Identifier') mutates = true;
        break;
      case 'UpdateExpression':
        if (node.argument.type !== 'Identifier') mutates = true;
        break;
      case 'UnaryExpression':
        if (node.operator === 'delete') mutates = true;
        break;
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition':
        if (!node.computed && !node.shorthand) properties.add(node.key);
        break;
      case 'MemberExpression': {
        if (!node.computed) properties.add(node.property);
        const name = node.computed ? node.property.value : node.property.name;
        if (name === 'constructor') throw new TemplateError(CONSTRUCTOR[node.computed ? 1 : 0]);
        if (FORBIDDEN_MEMBERS.has(name)) throw forbidden(name);
        if (MUTATORS.has(name)) mutates = true;
        break;
      }
      case 'CallExpression': {
        const callee = node.callee;
        if (callee.name === '$if' && !node.optional) {
          choose(node);
          break;
        }
        callees.add(callee);
        if (callee.type !== 'MemberExpression') break;
        if (callee.computed) {
          mutates = true;
          break;
        }
        const name = callee.property.name;
        if (callee.object.type === 'Super' || !isMethod(name)) break;
        edits.push(() => redirect(node));
        break;
      }
      case 'Identifier':
        if (properties.has(node)) break;
        if (node.name === 'arguments') throw forbidden('arguments');
        if (node.name === '$' && !callees.has(node)) {
          throw new TemplateError('Cannot access "$" without calling it as a function');
        }
        // A parameter cannot be called eval, as the other blocked names are.
        if (node.name === 'eval') edits.push(() => Object.assign(node, EMPTY_OBJECT));
        else names.add(node.name);
        break;
    }
  });
  for (const name of names) {
    if (!declared.has(name) && (name === 'constructor' || FORBIDDEN_MEMBERS.has(name))) throw forbidden(name);
  }
  // Only now, when all has been looked at as it was written.
  for (const edit of edits) edit();
  const { type, start, end } = withoutBrackets(tree);
  const arrow = type === 'ArrowFunctionExpression' ? code.slice(start, end) : undefined;
  const source = `"use strict";return (${print(tree)}\n);`;
  return { source, ...parameters(names, edits, isVariable), mutates, plain, arrow };
}

function parameters(names, edits, isVariable) {
  const variables = [];
  const unknown = [];
  if (edits.length) names.add('__call').add('__methods');
  for (const name of names) {
    if (BLOCKED.has(name) || isVariable(name)) variables.push(name);
    else if (!GLOBALS.has(name)) unknown.push(name);
  }
  return { variables, unknown };
}

module.exports = { rewrite, TemplateError };
