// All of one item, as it is stored: a tree that a worker cuts from its JSON, line by line as one looks at it.
import { VirtualList } from "./virtual.js";

const MOST_BYTES = 64 * 2 ** 20;
const LINES = 120; // that are asked for at once
const LINE_PX = 24;
const KEPT = 3000;
const DEEPEST = 40; // levels that are set in

/** Opens a dialog with the first item that the API gives at an address. */
export function showWhole(address, number) {
  new Whole(address, number);
}

class Whole {
  #lines = new Map();
  #version = 0;
  #asked = new Set();

  constructor(address, number) {
    this.dialog = document.createElement("dialog");
    this.dialog.className = "whole";
    this.dialog.innerHTML = WHOLE_PARTS;
    this.title = `Item ${Number(number).toLocaleString("en")}`;
    this.dialog.querySelector("h2").textContent = this.title;
    this.dialog.ariaLabel = this.title;
    Object.assign(this.dialog.querySelector("a"), { href: address, download: `item-${number}.json` });
    this.note = this.dialog.querySelector("[role=status]");
    this.tree = this.dialog.querySelector(".tree");
    document.body.append(this.dialog);
    this.worker = new Worker(new URL("./whole_worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.worker.addEventListener("error", () => this.#hear({ problem: "It could not be loaded.", isLoad: true }));
    this.dialog.addEventListener("close", () => {
      this.worker.terminate();
      this.dialog.remove();
    });
    this.dialog.querySelector("button").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.tree.addEventListener("click", (event) => this.#toggle(event.target.closest("[role=treeitem]")));
    this.tree.addEventListener("keydown", (event) => this.#press(event));
    this.#send("load", { address: new URL(address, location).href, most: MOST_BYTES, title: this.title });
    this.dialog.showModal();
  }

  #send(action, more) {
    this.worker.postMessage({ action, version: this.#version, ...more });
  }

  #hear(said) {
    if (said.problem || !(said.loaded || said.read)) this.isChanging = false;
    if (said.problem) {
      this.note.textContent = said.problem;
      if (said.isLoad) this.tree.hidden = true;
    } else if (said.loaded) {
      this.note.textContent = `Loading … ${(said.loaded / 2 ** 20).toFixed(0)} MiB`;
    } else if (said.size) this.#begin(said);
    else if (said.read) this.#fill(said);
    else this.#change(said.lines);
  }

  #begin({ size, lines }) {
    this.note.textContent = `${size.toLocaleString("en")} bytes, as they are stored`;
    const [scroller, canvas] = [this.tree, this.tree.firstElementChild];
    scroller.removeAttribute("aria-busy");
    scroller.tabIndex = -1;
    scroller.setAttribute("role", "tree");
    scroller.ariaLabel = this.title;
    this.list = new VirtualList({
      scroller,
      canvas,
      count: lines,
      height: LINE_PX,
      draw: (line) => this.#draw(line),
      see: (first, last) => this.#see(first, last),
    });
    this.list.layout();
    this.list.focus(0);
  }

  #see(first, last) {
    for (let line = first; line <= last; line += 1) {
      const from = Math.floor(line / LINES) * LINES;
      if (this.#lines.has(line) || this.#asked.has(from)) continue;
      this.#asked.add(from);
      this.#send("read", { first: from, count: LINES });
    }
    if (this.#lines.size <= KEPT) return;
    for (const line of this.#lines.keys()) {
      if (line >= first && line <= last) continue;
      this.#lines.delete(line);
      this.#asked.delete(Math.floor(line / LINES) * LINES);
    }
  }

  #fill({ first, read, version }) {
    if (version !== this.#version) return;
    read.forEach((line, at) => this.#lines.set(first + at, line));
    this.list.redraw((line) => line >= first && line < first + read.length);
  }

  /** Something was opened or closed: what stands behind it is elsewhere now. */
  #change(lines) {
    this.#version += 1;
    this.#asked.clear();
    for (const line of [...this.#lines.keys()]) if (line >= this.from) this.#lines.delete(line);
    this.list.resize(lines);
    this.list.redraw((line) => line >= this.from);
  }

  #draw(number) {
    const row = document.createElement("div");
    row.className = "tree-line";
    row.setAttribute("role", "treeitem");
    const line = this.#lines.get(number);
    if (!line) {
      Object.assign(row, { ariaBusy: "true", textContent: "…" });
      return row;
    }
    row.ariaLevel = String(line.depth + 1);
    row.ariaPosInSet = String(line.position + 1);
    row.ariaSetSize = String(line.size);
    if (line.canOpen) row.ariaExpanded = String(line.isOpen);
    row.style.paddingLeft = `${Math.min(line.depth, DEEPEST) + 1.25}rem`;
    const name = line.name === null ? [] : [span(line.inList ? "place" : "name", line.name), ": "];
    row.append(...name, span(`k-${line.kind}`, line.text));
    return row;
  }

  #toggle(row) {
    const line = row && this.#lines.get(Number(row.dataset.index));
    if (!line?.canOpen || this.isChanging) return;
    this.isChanging = true; // until then no line is where another one would be
    this.from = Number(row.dataset.index);
    this.#send("toggle", { line: this.from });
  }

  #press(event) {
    const row = event.target.closest("[role=treeitem]");
    const line = row && this.#lines.get(Number(row.dataset.index));
    if (!line || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = Number(row.dataset.index);
    if (event.key === "Enter" || event.key === " ") this.#toggle(row);
    else if (event.key === "ArrowRight" && line.canOpen) line.isOpen ? this.list.focus(at + 1) : this.#toggle(row);
    else if (event.key === "ArrowLeft") line.isOpen ? this.#toggle(row) : this.list.focus(line.parentLine);
    else return;
    event.preventDefault();
  }
}

const WHOLE_PARTS = `<div class="whole-head"><h2></h2><p class="hint" role="status">Loading …</p><a class="button">Download</a><button type="button">Close</button></div>
<div class="tree" aria-busy="true"><div class="canvas" role="none"></div></div>`;

function span(className, text) {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}
