// What a model fills in: the `$fromAI(name, description, type, default)` in a node's parameters, as a schema for it.
'use strict';

const CALL = /\$from(?:AI|Ai|ai)\s*\(/g;
const [MAX_CALLS, MAX_LENGTH] = [200, 10_000];
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const TYPES = new Set(['string', 'number', 'boolean', 'json']);
const QUOTES = new Set(['"', "'", '`']);
const ESCAPES = { n: '\n', t: '\t', r: '\r' };

/** The arguments of a call that begins at `start`, behind its parenthesis; undefined where it does not end. */
function readArguments(text, start) {
  const found = [];
  let [value, quoted, depth] = ['', false, 0];
  for (let place = start; place < text.length; place += 1) {
    const sign = text[place];
    if (QUOTES.has(sign)) {
      const end = readQuoted(text, place);
      value = depth ? value + text.slice(place, end.place + 1) : end.value;
      quoted ||= depth === 0;
      place = end.place;
    } else if (depth === 0 && (sign === ',' || sign === ')')) {
      found.push(quoted ? value : value.trim());
      [value, quoted] = ['', false];
      if (sign === ')') return found;
    } else {
      if ('([{'.includes(sign)) depth += 1;
      if (')]}'.includes(sign)) depth -= 1;
      if (!quoted) value += sign;
    }
  }
  return undefined;
}

function readQuoted(text, start) {
  let value = '';
  let place = start + 1;
  for (; place < text.length && text[place] !== text[start]; place += 1) {
    if (text[place] === '\\') {
      place += 1;
      value += ESCAPES[text[place]] ?? text[place] ?? '';
    } else value += text[place];
  }
  return { value, place };
}

function* textsIn(value) {
  if (typeof value === 'string') {
    if (value.startsWith('=')) yield value;
  } else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) yield* textsIn(each);
}

/** The arguments of the calls in a node's parameters; more than so many, or a longer one, are not read. */
function* callsIn(parameters) {
  let count = 0;
  for (const text of textsIn(parameters)) {
    for (const match of text.matchAll(CALL)) {
      count += 1;
      if (count > MAX_CALLS) return;
      const start = match.index + match[0].length;
      yield readArguments(text.slice(start, start + MAX_LENGTH), 0) ?? [];
    }
  }
}

/** [{ key, description, type, fallback }] of all parameters; throws with what is wrong with one. */
function argumentsIn(parameters) {
  const found = new Map();
  for (const [key, description = '', type = 'string', fallback] of callsIn(parameters)) {
    if (!key || !NAME.test(key)) throw new Error(`A name in $fromAI() has to have 1 to 64 letters, digits, _ or -: ${key ?? ''}`);
    const kind = (type || 'string').toLowerCase();
    if (!TYPES.has(kind)) throw new Error(`The type of $fromAI('${key}') is none: ${type}`);
    const known = found.get(key);
    if (known && (known.description !== description || known.type !== kind)) {
      throw Object.assign(new Error(`Duplicate key '${key}' found with different description or type`), {
        description: 'Ensure all $fromAI() calls with the same key have consistent descriptions and types',
      });
    }
    if (!known) found.set(key, { key, description, type: kind, fallback });
  }
  return [...found.values()];
}

function valueOf(text, type) {
  if (type === 'number') return Number(text);
  if (type === 'boolean') return text === 'true';
  try {
    return type === 'json' ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

/** The JSON schema of what a model fills in. */
function schemaOf(parameters) {
  const found = argumentsIn(parameters);
  const described = ({ description, type, fallback }) => ({
    type: type === 'json' ? 'object' : type,
    ...(type === 'json' ? { additionalProperties: {} } : {}),
    ...(description ? { description } : {}),
    ...(fallback === undefined ? {} : { default: valueOf(fallback, type) }),
  });
  const required = found.filter(({ fallback }) => fallback === undefined).map(({ key }) => key);
  return {
    type: 'object',
    properties: Object.fromEntries(found.map((each) => [each.key, described(each)])),
    ...(required.length ? { required } : {}),
    additionalProperties: false,
    $schema: 'http://json-schema.org/draft-07/schema#',
  };
}

module.exports = { argumentsIn, schemaOf };
