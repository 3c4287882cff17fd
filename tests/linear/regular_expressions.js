// Reads {acorn, files, texts, attacks?} as JSON, where texts are programs of [name, text] each; without attacks it prints the regular expressions of the files, with attacks
// (one list of [beginning, unit, end] for each expression) those that take more than their share of a longer text.
'use strict';

const fs = require('node:fs');
const { acorn, files, texts, attacks } = JSON.parse(fs.readFileSync(0, 'utf8'));
const [SMALL, FACTOR] = [2_000, 8];
const [NOTICED, LEAST] = [0.1, 8]; // milliseconds

const OF_TEXTS = new Set(['match', 'matchAll', 'search']); // they make a regular expression of a text
const isRegExp = (node) => node?.name === 'RegExp' || node?.property?.name === 'RegExp' || node?.property?.value === 'RegExp';
const textOf = (node) => {
  if (node?.type === 'TemplateLiteral' && !node.expressions.length) return node.quasis[0].value.cooked;
  return node?.type === 'Literal' && !node.regex ? String(node.value) : undefined;
};

// A pattern of null: it is made where this program cannot see of what.
function* literals(node) {
  if (Array.isArray(node)) for (const each of node) yield* literals(each);
  else if (node && typeof node === 'object') {
    let inner = Object.keys(node).filter((key) => key !== 'regex');
    if (node.regex) yield node.regex;
    const called = node.type === 'NewExpression' || node.type === 'CallExpression';
    if (called && isRegExp(node.callee)) {
      const [pattern, flags] = node.arguments.map(textOf);
      yield { pattern: pattern ?? null, flags: flags ?? '' };
      inner = ['arguments'];
    } else if (called && OF_TEXTS.has(node.callee.property?.name) && node.arguments.length === 1) {
      const pattern = textOf(node.arguments[0]);
      if (pattern !== undefined) yield { pattern, flags: 'g' };
    } else if (node.type === 'BinaryExpression' && node.operator === 'instanceof' && isRegExp(node.right)) {
      inner = ['left'];
    } else if (isRegExp(node)) {
      yield { pattern: null, flags: '' };
      inner = [];
    }
    for (const key of inner) yield* literals(node[key]);
  }
}

function milliseconds(use) {
  const taken = [];
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    use();
    const { user, system } = process.cpuUsage(before);
    taken.push((user + system) / 1000);
    if (taken[0] < NOTICED) break;
  }
  return Math.min(...taken);
}

const { parse } = require(acorn);
const programs = [...files.map((file) => [file, fs.readFileSync(file, 'utf8')]), ...texts];
const found = programs.flatMap(([file, text]) => {
  const sourceType = /^(?:import|export) /m.test(text) ? 'module' : 'script';
  const options = { ecmaVersion: 'latest', sourceType, allowReturnOutsideFunction: true };
  let program;
  try {
    program = parse(text, options);
  } catch (error) {
    if (files.includes(file)) throw error;
    return []; // no program, though it looks like one
  }
  return [...literals(program.body)].map(({ pattern, flags }) => ({ file, pattern, flags }));
});
if (!attacks) console.log(JSON.stringify(found));
else {
  const slow = [];
  found.forEach(({ pattern, flags }, index) => {
    for (const [beginning, unit, end] of attacks[index]) {
      const use = (size) => {
        const text = beginning + unit.repeat(size / unit.length) + end;
        return () => text.replace(new RegExp(pattern, flags), '');
      };
      const small = milliseconds(use(SMALL));
      if (small < NOTICED) continue;
      const large = milliseconds(use(SMALL * FACTOR));
      if (large > Math.max(small * FACTOR * 3, LEAST)) {
        slow.push(`/${pattern}/${flags}: ${JSON.stringify([beginning, unit, end])} took ${small} and ${large} ms`);
        break;
      }
    }
  });
  console.log(JSON.stringify(slow));
}
