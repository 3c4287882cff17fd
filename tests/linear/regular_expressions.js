// Reads {acorn, files, texts, attacks?} as JSON, where texts are programs of [name, text] each; without attacks it prints the regular expressions of the files, with attacks
// (one list of [beginning, unit, end] for each expression) those that take more than their share of a longer text.
'use strict';

const fs = require('node:fs');
const { acorn, files, texts, attacks } = JSON.parse(fs.readFileSync(0, 'utf8'));
const [SMALL, FACTOR] = [2_000, 8];
const [NOTICED, LEAST] = [0.1, 8]; // milliseconds

function* literals(node) {
  if (Array.isArray(node)) for (const each of node) yield* literals(each);
  else if (node && typeof node === 'object') {
    if (node.regex) yield node.regex;
    if (node.callee?.name === 'RegExp') {
      const [pattern, flags] = node.arguments.map((each) => (each.type === 'Literal' ? String(each.value) : undefined));
      yield { pattern: pattern ?? null, flags: flags ?? '' };
    }
    for (const key of Object.keys(node)) if (key !== 'regex') yield* literals(node[key]);
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
