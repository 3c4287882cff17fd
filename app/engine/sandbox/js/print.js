// Writes JavaScript anew from its syntax tree, so that V8 gets what was checked and never a text that acorn took for
// something else. Every token is one that both read alike, or the tree is refused. Only syntax: nothing is run here.
'use strict';

const acorn = require('acorn');
const { EXPRESSIONS_PRECEDENCE, GENERATOR, generate } = require('astring');

/** The tree cannot be written down for sure. */
class Unprintable extends Error {}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$_\u200c\u200d]*$/u;
const NUMBER = /^(?:0[xob][\da-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)$/i;
const FLAGS = /^[a-z]*$/;
// What stands between two slashes, and what between the parts of a template, by the letter of the standard.
const PATTERN = /^(?![*])(?:[^\\/[\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029]|\[(?:[^\]\\\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029])*\])+$/;
const QUASI = /^(?:[^\\`$]|\\[^]|\$(?!\{))*$/;

const checked = (pattern, text) => {
  if (!pattern.test(text)) throw new Unprintable();
  return text;
};

function literal({ value, raw, regex, bigint }) {
  if (regex) return `/${checked(PATTERN, regex.pattern)}/${checked(FLAGS, regex.flags)}`;
  if (typeof bigint === 'string') return `${checked(/^\d+$/, bigint)}n`;
  if (typeof value === 'number') return raw !== undefined && NUMBER.test(raw) ? raw : number(value);
  if (typeof value === 'string') return string(value);
  return `${value}`;
}

const number = (value) => (value === Infinity ? '1e999' : checked(NUMBER, `${value}`));
const string = (value) =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`);

const generator = {
  ...GENERATOR,
  Identifier: (node, state) => state.write(checked(NAME, node.name)),
  PrivateIdentifier: (node, state) => state.write(`#${checked(NAME, node.name)}`),
  Literal: (node, state) => state.write(literal(node)),
  ParenthesizedExpression(node, state) {
    state.write('(');
    this[node.expression.type](node.expression, state);
    state.write(')');
  },
  TemplateLiteral(node, state) {
    for (const { value } of node.quasis) checked(QUASI, value.raw);
    GENERATOR.TemplateLiteral.call(this, node, state);
  },
};
const OPTIONS = {
  generator,
  expressionsPrecedence: { ...EXPRESSIONS_PRECEDENCE, ParenthesizedExpression: 20 },
  indent: '',
  lineEnd: ' ',
};

/** The text of an expression. Raises Unprintable when it would not be read as the same tree again. */
function print(tree) {
  let text;
  let again;
  try {
    text = generate(tree, OPTIONS);
    again = acorn.parseExpressionAt(text, 0, { ecmaVersion: 'latest', preserveParens: true });
  } catch {
    throw new Unprintable();
  }
  if (again.end !== text.length || !same(tree, again)) throw new Unprintable();
  return text;
}

const PLACES = new Set(['start', 'end', 'loc', 'range', 'raw', 'directive']);
const inside = (node) => {
  let inner = node;
  while (inner?.type === 'ParenthesizedExpression') inner = inner.expression;
  return inner;
};

/** Whether two trees mean the same; where they stand and how their brackets are set does not matter. */
function same(given, other) {
  const [one, two] = [inside(given), inside(other)];
  if (typeof one !== 'object' || one === null || typeof two !== 'object' || two === null) return Object.is(one ?? null, two ?? null);
  if (one instanceof RegExp || two instanceof RegExp) return String(one) === String(two);
  if (Array.isArray(one)) return one.length === two.length && one.every((each, index) => same(each, two[index]));
  const keys = new Set([...Object.keys(one), ...Object.keys(two)]);
  for (const key of keys) if (!PLACES.has(key) && !same(one[key], two[key])) return false;
  return true;
}

module.exports = { print, Unprintable };
