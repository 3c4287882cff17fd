// Takes the keyword `import` out of a program. What it gives to be run does not hold these six letters anywhere, so
// V8 can find no import in it, however it reads a text that acorn reads in another way. Runs nothing.
'use strict';

const vm = require('node:vm');
const acorn = require('acorn');

const KEYWORD = 'import';
// As an identifier's beginning V8 refuses it where a keyword is meant; in strings and names it means the same.
const ESCAPED = '\\u0069mport';
const OPTIONS = { ecmaVersion: 'latest', allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true };

/** {text}, or {message} when the program cannot be run. import() becomes a call of $noImport, which refuses. */
function withoutImports(source) {
  if (!source.includes(KEYWORD)) return { text: source };
  let tree;
  try {
    tree = acorn.parse(source, OPTIONS);
  } catch {
    return { message: syntaxErrorOf(source) ?? 'Imports are not supported' };
  }
  let text = '';
  let at = 0;
  for (const [start, end, given] of editsOf(tree).sort((one, other) => one[0] - other[0])) {
    text += escaped(source.slice(at, start)) + given;
    at = end;
  }
  text += escaped(source.slice(at));
  return text.includes(KEYWORD) ? { message: 'Imports are not supported' } : { text };
}

/** A backslash before the word would escape the escape; alone it means nothing there. */
const escaped = (text) => text.replace(/(?<!\\)(\\*)import/g, (_, slashes) => slashes.slice(slashes.length % 2) + ESCAPED);
const quoted = (text) => (text === undefined || text === null ? 'undefined' : escaped(JSON.stringify(text)));

/** What has to be written in another way than with an escape: [start, end, text] each. */
function editsOf(tree) {
  const edits = [];
  const visit = (node) => {
    if (node.type === 'ImportExpression') {
      edits.push([node.start, node.start + KEYWORD.length, '$noImport']);
    } else if (node.type === 'Literal' && node.regex?.pattern.includes(KEYWORD)) {
      edits.push([node.start, node.end, `($regularExpression(${quoted(node.regex.pattern)}, "${node.regex.flags}"))`]);
    } else if (node.type === 'TaggedTemplateExpression' && node.quasi.quasis.some(hasKeyword)) {
      edits.push(...asCall(node.quasi));
    }
    for (const key of Object.keys(node)) {
      for (const child of Array.isArray(node[key]) ? node[key] : [node[key]]) {
        if (child && typeof child.type === 'string') visit(child);
      }
    }
  };
  visit(tree);
  return edits;
}

const hasKeyword = ({ value }) => value.raw.includes(KEYWORD);

/** tag`a${b}c` becomes tag($strings(...), b): the raw text of a template cannot be written with an escape. */
function asCall({ start, end, quasis, expressions }) {
  const lists = ['cooked', 'raw'].map((kind) => `[${quasis.map(({ value }) => quoted(value[kind])).join()}]`);
  const head = `($strings(${start}, ${lists.join()})`;
  const lines = (from, to) => '\n'.repeat(quasisLines(quasis, from, to));
  if (expressions.length === 0) return [[start, end, `${head}${lines(start, end)})`]];
  return expressions.flatMap((expression, index) => {
    const before = index === 0 ? [start, expression.start, `${head}${lines(start, expression.start)}, (`] : [];
    const next = expressions[index + 1];
    const after = next
      ? [expression.end, next.start, `)${lines(expression.end, next.start)}, (`]
      : [expression.end, end, `)${lines(expression.end, end)})`];
    return before.length ? [before, after] : [after];
  });
}

/** How many lines end in the template's texts between two places: those behind must keep their numbers. */
const quasisLines = (quasis, from, to) =>
  quasis.filter((each) => each.start >= from && each.end <= to).reduce((sum, { value }) => sum + value.raw.split('\n').length - 1, 0);

/** What V8 has against the syntax of a text, which is not run; undefined: nothing. */
function syntaxErrorOf(source) {
  try {
    new vm.Script(`(async function () {${source}\n})`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? String(error.message) : 'invalid syntax';
  }
}

module.exports = { withoutImports };
