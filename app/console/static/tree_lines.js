// The lines of a tree that a worker cuts, as one looks at them.
import { small } from "./json_search.js";
import { VirtualList } from "./virtual.js";

const LINES = 120; // that are asked for at once
const LINE_PX = 24;
const KEPT = 3000;

export class TreeLines {
  #lines = new Map();
  #asked = new Set();
  #version = 0;
  #marked = "";

  /** `send(action, more)` asks the worker, `alter` for what changes lines; `choose(line)` is told which one is chosen. */
  constructor(tree, title, count, { send, alter, choose }) {
    Object.assign(this, { tree, send, alter, choose, current: 0 });
    tree.removeAttribute("aria-busy");
    tree.tabIndex = -1;
    tree.setAttribute("role", "tree");
    tree.ariaLabel = title;
    tree.addEventListener("click", (event) => this.#click(event.target.closest("[role=treeitem]")));
    tree.addEventListener("keydown", (event) => this.#press(event));
    tree.addEventListener("focusin", (event) => event.target.matches("[role=treeitem]") && this.#choose(Number(event.target.dataset.index)));
    this.list = new VirtualList({
      scroller: tree,
      canvas: tree.firstElementChild,
      count,
      height: LINE_PX,
      draw: (line) => this.#draw(line),
      see: (first, last) => this.#see(first, last),
    });
    this.list.layout();
    this.list.focus(0);
  }

  get version() {
    return this.#version;
  }

  fill({ first, read, version }) {
    if (version !== this.#version) return;
    read.forEach((line, at) => this.#lines.set(first + at, line));
    this.list.redraw((line) => line >= first && line < first + read.length);
  }

  /** There are so many lines now, and those from one on are others. */
  change(count, from) {
    this.#version += 1;
    this.#asked.clear();
    for (const line of [...this.#lines.keys()]) if (line >= from) this.#lines.delete(line);
    this.list.resize(count);
    this.list.redraw((line) => line >= from);
    this.#choose(Math.min(this.current, count - 1));
  }

  /** Marks a text wherever it stands. */
  mark(text) {
    this.#marked = small(text);
    this.list.redraw();
  }

  /** Brings a line into the middle, and chooses it. */
  goTo(line) {
    this.list.goTo(line, Math.max(0, this.tree.clientHeight / 2 - LINE_PX));
    this.#choose(line);
  }

  #choose(line) {
    this.current = line;
    for (const row of this.tree.querySelectorAll("[role=treeitem]")) row.ariaSelected = String(Number(row.dataset.index) === line);
    this.choose(line);
  }

  #see(first, last) {
    for (let line = first; line <= last; line += 1) {
      const from = Math.floor(line / LINES) * LINES;
      if (this.#lines.has(line) || this.#asked.has(from)) continue;
      this.#asked.add(from);
      this.send("read", { first: from, count: LINES });
    }
    if (this.#lines.size <= KEPT) return;
    for (const line of this.#lines.keys()) {
      if (line >= first && line <= last) continue;
      this.#lines.delete(line);
      this.#asked.delete(Math.floor(line / LINES) * LINES);
    }
  }

  #draw(number) {
    const row = document.createElement("div");
    row.className = "tree-line";
    row.setAttribute("role", "treeitem");
    row.ariaSelected = String(number === this.current);
    const line = this.#lines.get(number);
    if (!line) {
      Object.assign(row, { ariaBusy: "true", textContent: "…" });
      return row;
    }
    row.ariaLevel = String(line.depth + 1);
    row.ariaPosInSet = String(line.position + 1);
    row.ariaSetSize = String(line.size);
    if (line.canOpen) row.ariaExpanded = String(line.isOpen);
    row.style.paddingLeft = `min(${line.depth + 1.25}rem, 40%)`;
    const name = line.name === null ? [] : [this.#span(line.inList ? "place" : "name", line.name), ": "];
    row.append(...name, this.#span(`k-${line.kind}`, line.text));
    return row;
  }

  #span(className, text) {
    const element = document.createElement("span");
    element.className = className;
    if (this.#marked) element.append(...withMarks(text, this.#marked));
    else element.textContent = text;
    return element;
  }

  #click(row) {
    if (!row) return;
    this.#choose(Number(row.dataset.index));
    if (getSelection().isCollapsed) this.#toggle(row); // who marks letters wants to copy them
  }

  #toggle(row) {
    const line = this.#lines.get(Number(row.dataset.index));
    if (line?.canOpen) this.alter("toggle", { line: Number(row.dataset.index) });
  }

  #press(event) {
    const row = event.target.closest("[role=treeitem]");
    const line = row && this.#lines.get(Number(row.dataset.index));
    if (!line || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = Number(row.dataset.index);
    if (event.key === "Enter" || event.key === " ") this.#toggle(row);
    else if (event.key === "*") line.canOpen && this.alter("openAll", { line: at });
    else if (event.key === "ArrowRight" && line.canOpen) line.isOpen ? this.list.focus(at + 1) : this.#toggle(row);
    else if (event.key === "ArrowLeft" && (line.isOpen || line.parentLine >= 0)) line.isOpen ? this.#toggle(row) : this.list.focus(line.parentLine);
    else return;
    event.preventDefault();
  }
}

/** The text in pieces, with each place where another one (in small letters) stands in a mark. */
function withMarks(text, marked) {
  const pieces = [];
  const searched = small(text);
  let from = 0;
  for (let at = searched.indexOf(marked); at >= 0; at = searched.indexOf(marked, from)) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + marked.length);
    pieces.push(text.slice(from, at), mark);
    from = at + marked.length;
  }
  return [...pieces, text.slice(from)];
}
