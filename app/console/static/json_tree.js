// A JSON text, of which no value is ever made: its lines are cut from its bytes, so that numbers, names and whatever is
// there twice are shown as they are stored. Members are looked up when their object or list is opened.
const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58];
const SHOWN = 200; // bytes of a value in its line; what is longer can be opened
const LINE = 160; // letters of a long text in a line
const MOST_LINES = 2000000; // of all that is open
const decoder = new TextDecoder();

export class TooManyLines extends Error {}

export class JsonTree {
  constructor(bytes, start, end, title) {
    this.bytes = bytes;
    this.end = end;
    const at = this.#skipSpace(start);
    const stop = this.#endOf(at);
    this.root = { depth: 0, title, key: null, start: at, end: stop, count: this.count, position: 0, size: 1, parent: null, opened: [], extra: 0 };
  }

  /** How many lines there are. */
  get lines() {
    return 1 + this.root.extra;
  }

  /** What stands in some lines. */
  read(first, count) {
    const lines = [];
    for (let line = first; line < Math.min(first + count, this.lines); line += 1) lines.push(this.#describe(this.#locate(line)));
    return lines;
  }

  /** Opens what stands in a line, or closes it. Throws TooManyLines. */
  toggle(line) {
    const { node, parent, index } = this.#locate(line);
    if (node?.members) this.#close(node);
    else this.#open(node ?? this.#member(parent, index));
  }

  #open(node) {
    const kind = this.#kind(node.start);
    const members = kind === "object" || kind === "list" ? this.#findMembers(node) : this.#findLines(node);
    if (this.lines + members.count > MOST_LINES) throw new TooManyLines();
    node.members = members;
    if (node.parent) {
      const behind = node.parent.opened.findIndex((each) => each.position > node.position);
      node.parent.opened.splice(behind < 0 ? node.parent.opened.length : behind, 0, node);
    }
    for (let each = node; each; each = each.parent) each.extra += members.count;
  }

  #close(node) {
    const gone = node.extra;
    for (let each = node; each; each = each.parent) each.extra -= gone;
    Object.assign(node, { members: undefined, opened: [] });
    if (node.parent) node.parent.opened.splice(node.parent.opened.indexOf(node), 1);
  }

  /** The opened node at a line, or the place of one in an opened node. */
  #locate(line) {
    let [node, left, at, parentLine] = [this.root, line, 0, -1];
    for (;;) {
      if (left === 0) return { node, line, parentLine };
      left -= 1;
      const own = at;
      at += 1;
      let index = 0;
      let inner = null;
      for (const each of node.opened) {
        const closed = each.position - index;
        if (left < closed) break;
        left -= closed;
        at += closed;
        index = each.position;
        if (left <= each.extra) {
          inner = each;
          break;
        }
        left -= each.extra + 1;
        at += each.extra + 1;
        index += 1;
      }
      parentLine = own;
      if (!inner) return { parent: node, index: index + left, line, parentLine };
      node = inner;
    }
  }

  #member(parent, index) {
    const { marks, counts, count } = parent.members;
    const [keyStart, keyEnd, start, end] = marks.subarray(4 * index, 4 * index + 4);
    const key = keyEnd > keyStart ? this.#text(keyStart, keyEnd) : null;
    return { depth: parent.depth + 1, key, start, end, count: counts[index], position: index, size: count, parent, opened: [], extra: 0 };
  }

  #describe({ node, parent, index, parentLine }) {
    if (parent?.members.texts) return this.#describeText(parent, index, parentLine);
    const { depth, title, key, start, end, count, position, size, members } = node ?? this.#member(parent, index);
    const kind = this.#kind(start);
    const isLong = end - start > SHOWN;
    const inList = depth > 0 && key === null;
    const name = title ?? (inList ? String(position) : key);
    const canOpen = kind === "object" || kind === "list" ? count > 0 : isLong;
    return { depth, name, inList, kind, text: this.#preview(kind, start, end, count), canOpen, isOpen: Boolean(members), position, size, parentLine };
  }

  #describeText(parent, index, parentLine) {
    const { text, ends, count } = parent.members.texts;
    const from = index ? ends[index - 1] : 0;
    return { depth: parent.depth + 1, name: null, kind: "line", text: text.slice(from, ends[index]).replace(/\n$/, ""), canOpen: false, isOpen: false, position: index, size: count, parentLine };
  }

  #preview(kind, start, end, count) {
    if (kind === "object") return count ? `{ ${count.toLocaleString("en")} ${count === 1 ? "member" : "members"} }` : "{}";
    if (kind === "list") return count ? `[ ${count.toLocaleString("en")} ${count === 1 ? "item" : "items"} ]` : "[]";
    const text = this.#text(start, Math.min(end, start + SHOWN));
    return end - start > SHOWN ? `${text.replace(/\ufffd$/, "")}… ${(end - start).toLocaleString("en")} bytes` : text;
  }

  #text(start, end) {
    return decoder.decode(this.bytes.subarray(start, end));
  }

  #kind(at) {
    return { 123: "object", 91: "list", 34: "text", 110: "null", 116: "boolean", 102: "boolean" }[this.bytes[at]] ?? "number";
  }

  /** Where the members of an object or a list stand: name from and to, value from and to, and how many it has itself. */
  #findMembers({ start, count }) {
    if (count + this.lines > MOST_LINES) throw new TooManyLines();
    const marks = new Int32Array(4 * count);
    const counts = new Int32Array(count);
    const isObject = this.#kind(start) === "object";
    let at = this.#skipSpace(start + 1);
    for (let index = 0; index < count; index += 1) {
      if (isObject) {
        marks[4 * index] = at;
        marks[4 * index + 1] = at = this.#endOfText(at);
        at = this.#skipSpace(at);
        if (this.bytes[at] !== COLON) throw new SyntaxError("no JSON");
        at = this.#skipSpace(at + 1);
      }
      marks[4 * index + 2] = at;
      marks[4 * index + 3] = at = this.#endOf(at);
      counts[index] = this.count;
      at = this.#skipSpace(at);
      if (this.bytes[at] === COMMA) at = this.#skipSpace(at + 1);
    }
    return { marks, counts, count };
  }

  /** A long text as lines, with its escapes read; of anything else what is stored. */
  #findLines({ start, end }) {
    const raw = this.#text(start, end);
    const text = this.#kind(start) === "text" ? JSON.parse(raw) : raw;
    const ends = [];
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf("\n", at);
      let stop = newline < 0 ? text.length : newline + 1;
      if (stop - at > LINE) stop = at + LINE - (text.codePointAt(at + LINE - 1) > 0xffff ? 1 : 0);
      ends.push((at = stop));
    }
    return { texts: { text, ends, count: ends.length }, count: ends.length };
  }

  #skipSpace(at) {
    const { bytes } = this;
    while (bytes[at] === 32 || bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 9) at += 1;
    return at;
  }

  #endOfText(start) {
    const { bytes, end } = this;
    let at = start + 1;
    while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
    if (at >= end) throw new SyntaxError("no JSON");
    return at + 1;
  }

  /** Where a value ends; `count` is then how many members it has. */
  #endOf(start) {
    const { bytes, end } = this;
    let at = start;
    this.count = 0;
    const first = bytes[at];
    if (first === QUOTE) return this.#endOfText(at);
    if (first !== 123 && first !== 91) {
      while (at < end && ![COMMA, 125, 93, 32, 10, 13, 9].includes(bytes[at])) at += 1;
      if (at === start) throw new SyntaxError("no JSON");
      return at;
    }
    let [depth, commas] = [0, 0];
    for (; at < end; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) at = this.#endOfText(at) - 1;
      else if (byte === 123 || byte === 91) depth += 1;
      else if (byte === COMMA && depth === 1) commas += 1;
      else if (byte === 125 || byte === 93) {
        depth -= 1;
        if (depth) continue;
        const inner = this.#skipSpace(start + 1);
        this.count = inner === at ? 0 : commas + 1;
        return at + 1;
      }
    }
    throw new SyntaxError("no JSON");
  }
}
