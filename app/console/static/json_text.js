// The bytes of a JSON text: where its values begin and end. No value is ever made of them, so that numbers, names and
// whatever is there twice stay as they are stored.
const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58];
const KINDS = { 123: "object", 91: "list", 34: "text", 110: "null", 116: "boolean", 102: "boolean" };
const LONG = 1024; // bytes of an object or a list; where such a one ends is noted
const MOST_NOTED = 2 ** 20;
const decoder = new TextDecoder();

export class JsonText {
  #noted = { starts: [], ends: [], counts: [] }; // long objects and lists, in their order

  constructor(bytes, end = bytes.length) {
    this.bytes = bytes;
    this.end = end;
  }

  /** What is stored between two places. */
  slice(start, end) {
    return decoder.decode(this.bytes.subarray(start, end));
  }

  /** The text that a string stands for. */
  read(start, end) {
    const stored = this.slice(start, end);
    return stored.includes("\\") ? JSON.parse(stored) : stored.slice(1, -1);
  }

  kind(at) {
    return KINDS[this.bytes[at]] ?? "number";
  }

  isNested(at) {
    return this.bytes[at] === 123 || this.bytes[at] === 91;
  }

  skipSpace(at) {
    const { bytes } = this;
    while (bytes[at] === 32 || bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 9) at += 1;
    return at;
  }

  endOfText(start) {
    const { bytes, end } = this;
    let at = start + 1;
    while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
    if (at >= end) throw new SyntaxError("no JSON");
    return at + 1;
  }

  /** Where what is no string, object or list ends. */
  endOfWord(start) {
    const { bytes, end } = this;
    let at = start;
    while (at < end && ![COMMA, 125, 93, 32, 10, 13, 9].includes(bytes[at])) at += 1;
    if (at === start) throw new SyntaxError("no JSON");
    return at;
  }

  /** Where a value ends; `count` is then how many members it has. */
  endOf(start) {
    const { bytes, end } = this;
    this.count = 0;
    if (bytes[start] === QUOTE) return this.endOfText(start);
    if (!this.isNested(start)) return this.endOfWord(start);
    const { starts, ends, counts } = this.#noted;
    const noted = lastWhere(starts, (each) => each <= start);
    if (starts[noted] === start) {
      this.count = counts[noted];
      return ends[noted];
    }
    let [depth, commas] = [0, 0];
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) at = this.endOfText(at) - 1;
      else if (byte === 123 || byte === 91) depth += 1;
      else if (byte === COMMA && depth === 1) commas += 1;
      else if (byte === 125 || byte === 93) {
        depth -= 1;
        if (depth) continue;
        const inner = this.skipSpace(start + 1);
        this.count = inner === at ? 0 : commas + 1;
        return at + 1;
      }
    }
    throw new SyntaxError("no JSON");
  }

  /** Notes where the long objects and lists in one end, so that however deep one lies it is not looked through again. */
  note(start) {
    const { bytes, end } = this;
    const { starts, ends, counts } = (this.#noted = { starts: [], ends: [], counts: [] });
    let [own, deeper] = [-1, 0]; // the one that is open, whose end is the one around it until then; how many beyond MOST_NOTED
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) at = this.endOfText(at) - 1;
      else if (byte === COMMA && !deeper) counts[own] += 1;
      else if (byte === 123 || byte === 91) {
        if (starts.length === MOST_NOTED) deeper += 1;
        else {
          ends.push(own);
          counts.push(bytes[this.skipSpace(at + 1)] === byte + 2 ? 0 : 1);
          own = starts.push(at) - 1;
        }
      } else if ((byte === 125 || byte === 93) && deeper) deeper -= 1;
      else if (byte === 125 || byte === 93) {
        const around = ends[own];
        if (at + 1 - starts[own] < LONG) starts.length = ends.length = counts.length = own;
        else ends[own] = at + 1;
        own = around;
        if (own < 0) return;
      }
    }
    throw new SyntaxError("no JSON");
  }

  /** Where the members of an object or a list stand: name from and to, value from and to, and how many each has itself. */
  members(start, count) {
    const marks = new Int32Array(4 * count);
    const counts = new Int32Array(count);
    const isObject = this.kind(start) === "object";
    let at = this.skipSpace(start + 1);
    for (let index = 0; index < count; index += 1) {
      if (isObject) {
        marks[4 * index] = at;
        marks[4 * index + 1] = at = this.endOfText(at);
        at = this.skipSpace(at);
        if (this.bytes[at] !== COLON) throw new SyntaxError("no JSON");
        at = this.skipSpace(at + 1);
      }
      marks[4 * index + 2] = at;
      marks[4 * index + 3] = at = this.endOf(at);
      counts[index] = this.count;
      at = this.skipSpace(at);
      if (this.bytes[at] === COMMA) at = this.skipSpace(at + 1);
    }
    return { marks, counts, count };
  }
}

/** The place of the last of sorted entries for which something is true, as it is for all before it; -1: for none. */
export function lastWhere(entries, isTrue) {
  let [low, high] = [-1, entries.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isTrue(entries[middle])) low = middle;
    else high = middle - 1;
  }
  return low;
}
