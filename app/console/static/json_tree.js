// A JSON text as a tree whose lines are cut from it. Members are looked up when their object or list is opened.
import { lastWhere } from "./json_text.js";

const SHOWN = 200; // bytes of a value in its line; what is longer can be opened
const LINE = 160; // letters of a long text in a line
const MOST_LINES = 2000000; // of all that is open
const MOST_OPENED = 100000; // objects and lists that are opened at once

export class TooManyLines extends Error {}

export class JsonTree {
  constructor(json, start, title) {
    this.json = json;
    const at = json.skipSpace(start);
    if (json.isNested(at)) json.note(at);
    const end = json.endOf(at);
    this.root = { depth: 0, title, key: null, start: at, end, count: json.count, position: 0, size: 1, parent: null, opened: [], extra: 0, tops: null };
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
    const found = this.#locate(line);
    if (found.node?.members) this.#close(found.node);
    else this.#open(this.#nodeAt(found));
  }

  /** Closes all that is in what stands in a line. */
  closeWithin(line) {
    const { node } = this.#locate(line);
    if (!node?.members) return;
    const gone = node.extra - node.members.count;
    node.opened = [];
    this.#grow(node, -gone);
  }

  /**
   * Opens what stands in a line, and the objects and lists in it, those that are less deep first. Says whether all are
   * open: no more are opened than can be shown.
   */
  openWithin(line) {
    const top = this.#nodeAt(this.#locate(line));
    if (!top.members && !this.json.isNested(top.start)) {
      this.#open(top);
      return true;
    }
    if (!top.members) this.#open(top);
    let [more, isAll] = [0, true];
    const opened = [top];
    for (let at = 0; at < opened.length; at += 1) {
      const node = opened[at];
      if (!node.members.counts) continue; // a long text
      const before = new Map(node.opened.map((each) => [each.position, each]));
      node.opened = [];
      for (let index = 0; index < node.members.count; index += 1) {
        const known = before.get(index);
        const count = node.members.counts[index];
        if (!known && !count) continue;
        if (!known) {
          isAll &&= opened.length < MOST_OPENED && this.lines + more + count <= MOST_LINES;
          if (!isAll) continue;
        }
        const child = known ?? this.#member(node, index);
        child.members ??= this.json.members(child.start, count);
        if (!known) more += count;
        node.opened.push(child);
        opened.push(child);
      }
    }
    const before = top.extra;
    for (const node of opened.reverse()) {
      node.extra = node.members.count + node.opened.reduce((sum, each) => sum + each.extra, 0);
      node.tops = null;
    }
    const grown = top.extra - before;
    top.extra = before;
    this.#grow(top, grown);
    return isAll;
  }

  /** Opens all that a place in the text lies in, and says in which line it stands; `at` is one in a long text there. */
  reveal(place, at) {
    const opened = [];
    try {
      return this.#lead(place, at, opened);
    } finally {
      let more = 0;
      for (const node of opened.reverse()) node.extra = more += node.members.count; // each lies in the one behind it
      if (more) this.#grow(opened.at(-1).parent, more);
    }
  }

  /** Says in which line a place stands; adds to `opened` what it opens on the way, for the caller to grow. */
  #lead(place, at, opened) {
    let [node, line, more] = [this.root, 0, 0];
    if (place <= node.start && this.json.isNested(node.start)) return line;
    for (;;) {
      if (!node.members) {
        more += this.#readMembers(node, more);
        opened.push(node);
      }
      const { marks, count } = node.members;
      if (!marks) return line + 1 + lineAt(node.members.texts.ends, at);
      let [low, high] = [0, count - 1];
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        const begin = marks[4 * middle + 1] > marks[4 * middle] ? marks[4 * middle] : marks[4 * middle + 2];
        if (begin <= place) low = middle;
        else high = middle - 1;
      }
      line += this.#offset(node, low);
      const known = node.opened[lastWhere(node.opened, (each) => each.position <= low)];
      const child = known?.position === low ? known : this.#member(node, low);
      const isLongText = child.start === place && this.json.kind(place) === "text" && child.end - place > SHOWN;
      if (place < child.start || (place === child.start && !isLongText)) return line;
      node = child;
    }
  }

  /** What stands in a line: the names that lead to it, and where its value is stored. */
  at(line) {
    const found = this.#locate(line);
    const isLine = Boolean(found.parent?.members.texts);
    const node = isLine ? found.parent : found.node ?? this.#member(found.parent, found.index);
    const names = [];
    for (let each = node; each.parent; each = each.parent) names.unshift(each.key ?? each.position);
    return { names, start: node.start, end: node.end };
  }

  #open(node) {
    this.#grow(node, this.#readMembers(node));
  }

  /** Looks up the members of what lies in what is open, beside which there will be `more` lines. Says how many it has. */
  #readMembers(node, more = 0) {
    const isNested = this.json.isNested(node.start);
    if (isNested && node.count + more + this.lines > MOST_LINES) throw new TooManyLines();
    const members = isNested ? this.json.members(node.start, node.count) : this.#findLines(node);
    if (this.lines + more + members.count > MOST_LINES) throw new TooManyLines();
    node.members = members;
    if (node.parent) {
      const behind = lastWhere(node.parent.opened, (each) => each.position < node.position);
      node.parent.opened.splice(behind + 1, 0, node);
      node.parent.tops = null;
    }
    return members.count;
  }

  #close(node) {
    this.#grow(node, -node.extra);
    Object.assign(node, { members: undefined, opened: [] });
    if (node.parent) node.parent.opened.splice(node.parent.opened.indexOf(node), 1);
  }

  /** There are more or fewer lines within a node now. */
  #grow(node, lines) {
    for (let each = node; each; each = each.parent) {
      each.extra += lines;
      each.tops = null;
    }
  }

  /** How many lines behind its own line each opened member of a node stands. */
  #tops(node) {
    if (!node.tops) {
      let passed = 1;
      node.tops = node.opened.map((each) => {
        const top = passed + each.position;
        passed += each.extra;
        return top;
      });
    }
    return node.tops;
  }

  /** How many lines behind its own line a member of a node stands. */
  #offset(node, index) {
    const behind = lastWhere(node.opened, (each) => each.position < index);
    if (behind < 0) return 1 + index;
    const { position, extra } = node.opened[behind];
    return this.#tops(node)[behind] + extra + index - position;
  }

  /** The opened node at a line, or the place of one in an opened node. */
  #locate(line) {
    let [node, left, own, parentLine] = [this.root, line, 0, -1];
    while (left > 0) {
      parentLine = own;
      const tops = this.#tops(node);
      const behind = lastWhere(tops, (top) => top <= left);
      const each = node.opened[behind];
      if (!each || left - tops[behind] > each.extra) {
        const index = each ? each.position + left - tops[behind] - each.extra : left - 1;
        return { parent: node, index, line, parentLine };
      }
      own += tops[behind];
      left -= tops[behind];
      node = each;
    }
    return { node, line, parentLine };
  }

  #nodeAt({ node, parent, index }) {
    return node ?? this.#member(parent, index);
  }

  #member(parent, index) {
    const { marks, counts, count } = parent.members;
    const [keyStart, keyEnd, start, end] = marks.subarray(4 * index, 4 * index + 4);
    const key = keyEnd > keyStart ? this.json.slice(keyStart, keyEnd) : null;
    return { depth: parent.depth + 1, key, start, end, count: counts[index], position: index, size: count, parent, opened: [], extra: 0, tops: null };
  }

  #describe({ node, parent, index, parentLine }) {
    if (parent?.members.texts) return this.#describeText(parent, index, parentLine);
    const { depth, title, key, start, end, count, position, size, members } = node ?? this.#member(parent, index);
    const kind = this.json.kind(start);
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
    const text = this.json.slice(start, Math.min(end, start + SHOWN));
    return end - start > SHOWN ? `${text.replace(/\ufffd$/, "")}… ${(end - start).toLocaleString("en")} bytes` : text;
  }

  /** A long text as lines, with its escapes read; of anything else what is stored. */
  #findLines({ start, end }) {
    const text = this.json.kind(start) === "text" ? this.json.read(start, end) : this.json.slice(start, end);
    const ends = [];
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf("\n", at);
      let stop = newline < 0 ? text.length : newline + 1;
      if (stop - at > LINE) stop = at + LINE - (text.codePointAt(at + LINE - 1) > 0xffff ? 1 : 0);
      ends.push((at = stop));
    }
    return { texts: { text, ends, count: ends.length }, count: ends.length };
  }
}

/** In which of the lines that end there a letter stands. */
const lineAt = (ends, letter) => Math.min(lastWhere(ends, (end) => end <= letter) + 1, ends.length - 1);
