// The list over all items of an output: they come as they get in sight, and those far from that are forgotten.
import { announce, ask } from "./api.js";
import { jsonRow, readList, readPart, tableRow, waitingRow } from "./item_parts.js";
import { keep, recall } from "./places.js";
import { VirtualList } from "./virtual.js";
import { showWhole } from "./whole.js";

const PAGE = 25; // items that the server sends at once
const MOST_ROWS = 600;
const MOST_TEXT = 6000000; // characters; what is farthest from what is in sight is forgotten
const MOST_COLUMNS = 40;
const ASK_MS = 80;
const ROW_PX = { table: 34, json: 140 };
const WIDTHS = { number: 56, least: 84, most: 340, ofLetter: 8, bar: 18 }; // px
let lists = 0;

export class ItemList {
  #items = new Map(); // by their place in the list
  #numbers = []; // of what a search has found
  #columns = [];
  #text = 0;
  #seen = { first: 0, last: 0 };
  #due = 0;
  #asked = null;
  #failed = null;
  #next;
  #widths;

  constructor(part) {
    const { view, place, api, whose, search, total, offset } = part.dataset;
    Object.assign(this, { view, place, api, search, total: Number(total), part });
    this.name = place.replace(/&?view=\w+/, "");
    this.bar = part.parentElement.querySelector(".items-bar");
    const begin = readList(part);
    this.#next = begin.next;
    this.#widths = [Math.max(WIDTHS.number, String(this.total).length * WIDTHS.ofLetter + 40)];
    this.#build(whose);
    this.#take(begin, search ? 0 : Number(offset));
    part.replaceWith(this.element);
    this.#widen();
    this.#offerJump();
    this.list = new VirtualList({
      scroller: this.scroller,
      canvas: this.canvas,
      count: this.#count,
      height: ROW_PX[view],
      draw: (index) => this.#draw(index),
      see: (first, last, top) => this.#see(first, last, top),
    });
    this.#tellColumns();
    const kept = recall("places", this.#key);
    if (kept) this.list.goTo(kept.index, kept.offset);
    else this.list.goTo(Number(search ? 0 : offset));
  }

  get #key() {
    return `${this.name}?${this.search}`;
  }

  /** How many rows there are; of a search one more, which looks on when it gets in sight. */
  get #count() {
    return this.search ? this.#numbers.length + (this.#next === null ? 0 : 1) : this.total;
  }

  #build(whose) {
    lists += 1;
    const [isTable, make] = [this.view === "table", (kind) => document.createElement(kind)];
    this.element = make("div");
    this.element.id = `list-${lists}`; // so that no update of the page takes it for something else
    this.scroller = make("div");
    this.scroller.className = `virtual ${isTable ? "table" : "feed"}`;
    this.scroller.setAttribute("role", isTable ? "grid" : "feed");
    this.scroller.ariaLabel = `${whose}, as ${isTable ? "a table" : "JSON"}. Enter shows all of an item`;
    if (isTable) {
      this.scroller.ariaReadOnly = "true";
      this.header = make("div");
      this.header.setAttribute("role", "rowgroup");
      this.header.className = "data-head";
      this.scroller.append(this.header);
    }
    this.canvas = make("div");
    this.canvas.className = "canvas";
    if (isTable) this.canvas.setAttribute("role", "rowgroup");
    this.note = make("p");
    this.note.className = "hint";
    this.note.hidden = true;
    this.scroller.append(this.canvas);
    this.element.append(this.scroller, this.note);
    this.scroller.addEventListener("click", (event) => this.#open(event.target.closest("[data-whole]")?.dataset.whole));
    this.scroller.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches(".virtual-row")) this.#open(this.#numberAt(Number(event.target.dataset.index)));
    });
  }

  /** Which item a row shows, or will show; of what a search has not found yet nobody knows. */
  #numberAt(index) {
    return this.search ? this.#numbers[index] : index;
  }

  #open(number) {
    if (number !== undefined) showWhole(`${this.api}&offset=${number}&limit=1`, number);
  }

  #width(wanted) {
    return Math.round(Math.min(WIDTHS.most, Math.max(WIDTHS.least, wanted)));
  }

  /** Columns are together no less wide than the room that there is. */
  #widen() {
    const left = this.scroller.clientWidth - this.#widths.reduce((sum, each) => sum + each, 0) - WIDTHS.bar;
    if (left > 0 && this.#columns.length) this.#widths[this.#columns.length] += Math.floor(left);
  }

  #tellColumns() {
    if (this.view !== "table") return;
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.className = "data-row";
    row.ariaRowIndex = "1";
    row.append(
      ...["#", ...this.#columns].map((name) => {
        const cell = document.createElement("div");
        cell.setAttribute("role", "columnheader");
        cell.textContent = name || '""'; // a field without a name
        return cell;
      }),
    );
    this.header.replaceChildren(row);
    const widths = ["#", ...this.#columns].map((_, at) => this.#widths[at]);
    this.scroller.style.setProperty("--columns", widths.map((each) => `${each}px`).join(" "));
    this.scroller.style.setProperty("--width", `${widths.reduce((sum, each) => sum + each, 0)}px`);
  }

  #draw(index) {
    const item = this.#items.get(index);
    if (!item) return waitingRow(this.view, index, this.#count, this.#sayWaiting(index));
    return this.view === "table" ? tableRow(item, index, this.#columns, item.columns) : jsonRow(item, index, this.#count);
  }

  #sayWaiting(index) {
    if (this.#failed) return "Not loaded";
    return this.search && index === this.#numbers.length ? "Searching on …" : `Loading item ${(this.#numbers[index] ?? index).toLocaleString("en")} …`;
  }

  #see(first, last, top) {
    this.#seen = { first, last };
    if (this.jump && !this.isTyping) this.jump.value = top;
    const at = this.list?.position;
    if (at) keep("places", this.#key, at);
    this.scroller.ariaRowCount = this.view === "table" ? String(this.search && this.#next !== null ? -1 : this.#count + 1) : null;
    if (this.#asked && (this.#asked.from > last || this.#asked.from + PAGE < first)) this.#asked.control.abort();
    if (this.#missing() !== null && !this.#due && !this.#failed) this.#due = setTimeout(() => this.#load(), ASK_MS);
  }

  #missing() {
    for (let index = this.#seen.first; index <= Math.min(this.#seen.last, this.#count - 1); index += 1) if (!this.#items.has(index)) return index;
    return null;
  }

  async #load() {
    this.#due = 0;
    if (this.#asked) return;
    for (let wanted = this.#missing(); wanted !== null && this.scroller.isConnected && !this.#failed; wanted = this.#missing()) {
      await this.#fetch(wanted);
    }
  }

  async #fetch(wanted) {
    let from = this.search ? wanted : Math.floor(wanted / PAGE) * PAGE;
    while (this.#items.has(from)) from += 1;
    const offset = this.search ? this.#numbers[from] ?? this.#next : from;
    this.#asked = { from, control: new AbortController() };
    const { signal } = this.#asked.control;
    const response = await ask(`${this.place}&offset=${offset}&search=${encodeURIComponent(this.search)}`, signal);
    const text = response?.ok ? await response.text().catch(() => null) : null;
    this.#asked = null;
    if (signal.aborted || !this.scroller.isConnected) return;
    const got = text && readPart(text);
    const isOther = !this.search && !got?.items.some((item) => item.number === from); // as where the list is shorter now
    if (!got || got.problem || isOther) this.#fail(got?.problem ?? "These items could not be loaded.");
    else this.#show(got, from);
  }

  #show(got, from) {
    const before = this.#columns.length;
    const isEnd = this.search && from === this.#numbers.length;
    const filled = this.#take(got, from);
    if (isEnd) this.#tellFound(got);
    this.#forget();
    if (this.#columns.length > before) this.#tellColumns();
    if (isEnd) this.list.resize(this.#count);
    this.list.redraw((index) => filled.has(index) || this.#columns.length > before || (isEnd && this.view === "json"));
  }

  #tellFound(got) {
    this.#next = got.next;
    const to = (got.next ?? got.total) - 1;
    this.bar.querySelector(".said").textContent = `${this.#numbers.length.toLocaleString("en")} found in items 0 to ${to.toLocaleString("en")}`;
    if (got.next === null && !this.#numbers.length) this.#say("None of them contains that.");
  }

  #take(got, from) {
    const filled = new Set();
    for (const name of got.columns) if (!this.#columns.includes(name) && this.#columns.length < MOST_COLUMNS) this.#addColumn(name, got);
    got.items.forEach((item, at) => {
      const index = this.search ? from + at : item.number;
      if (this.search) this.#numbers[index] = item.number;
      if (this.#items.has(index)) return;
      this.#items.set(index, Object.assign(item, { columns: got.columns }));
      this.#text += item.size;
      filled.add(index);
    });
    const leftOut = got.leftOut + got.columns.filter((name) => !this.#columns.includes(name)).length;
    if (got.note) this.#say(got.note);
    if (leftOut) this.#say(`There are more columns than ${MOST_COLUMNS}: see them as JSON.`);
    return filled;
  }

  #addColumn(name, got) {
    this.#columns.push(name);
    const at = got.columns.indexOf(name);
    const longest = Math.max(name.length, ...got.items.map((item) => item.cells?.[at]?.textContent.length ?? 0));
    this.#widths[this.#columns.length] ??= this.#width(longest * WIDTHS.ofLetter + 24);
  }

  /** Drops what is farthest from what is in sight, where there is too much. */
  #forget() {
    if (this.#items.size <= MOST_ROWS && this.#text <= MOST_TEXT) return;
    const middle = (this.#seen.first + this.#seen.last) / 2;
    const all = [...this.#items.keys()].sort((one, other) => Math.abs(other - middle) - Math.abs(one - middle));
    for (const index of all) {
      if (this.#items.size <= MOST_ROWS / 2 && this.#text <= MOST_TEXT / 2) return;
      if (index >= this.#seen.first && index <= this.#seen.last) return;
      this.#text -= this.#items.get(index).size;
      this.#items.delete(index);
    }
  }

  #fail(text) {
    this.#failed = text;
    this.list.redraw((index) => !this.#items.has(index));
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Try again";
    again.addEventListener("click", () => {
      this.#failed = null;
      this.note.hidden = true;
      this.list.redraw((index) => !this.#items.has(index));
      this.#load();
    });
    this.#say(`${text} `, again);
  }

  #say(...said) {
    this.note.replaceChildren(...said);
    this.note.hidden = false;
  }

  #offerJump() {
    if (this.search || this.total <= PAGE) return;
    this.jump = document.createElement("input");
    Object.assign(this.jump, { type: "number", min: 0, max: this.total - 1, value: 0, autocomplete: "off", inputMode: "numeric" });
    const label = document.createElement("label");
    label.className = "hint jump";
    label.append("Item ", this.jump);
    label.id = `jump-${lists}`;
    this.bar.append(label);
    this.jump.addEventListener("input", () => (this.isTyping = true));
    this.jump.addEventListener("change", () => {
      this.isTyping = false;
      const wanted = Math.min(Math.max(0, Math.trunc(this.jump.valueAsNumber || 0)), this.total - 1);
      this.list.goTo(wanted);
      announce(`Item ${wanted.toLocaleString("en")} of ${this.total.toLocaleString("en")}`);
    });
  }
}
