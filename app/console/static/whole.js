// All of one item, as it is stored: a tree in a dialog, in which one searches, and from which one copies.
import { copy } from "./copying.js";
import { TreeLines } from "./tree_lines.js";

const MOST_BYTES = 64 * 2 ** 20;
const SEARCH_MS = 250;

/** Opens a dialog with the first item that the API gives at an address. */
export function showWhole(address, number) {
  new Whole(address, number);
}

class Whole {
  #answers = new Map(); // those that somebody waits for, by their number
  #asked = 0;
  #altering = null; // what changes lines just now: until then no line is where another one would be
  #next = null;
  #found = { count: 0, isAll: true, shown: -1, text: "" };
  #due = 0;
  #isOutside = false; // where a press began: who marks letters may let go anywhere

  constructor(address, number) {
    this.dialog = document.createElement("dialog");
    this.dialog.className = "whole";
    this.dialog.innerHTML = WHOLE_PARTS;
    this.title = `Item ${Number(number).toLocaleString("en")}`;
    this.part("h2").textContent = this.title;
    this.dialog.ariaLabel = this.title;
    Object.assign(this.part("a"), { href: address, download: `item-${number}.json` });
    this.note = this.part(".note");
    this.tree = this.part(".tree");
    this.field = this.part("[type=search]");
    document.body.append(this.dialog);
    this.worker = new Worker(new URL("./whole_worker.js", import.meta.url), { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.#hear(data));
    this.worker.addEventListener("error", () => this.#hear({ action: "load", problem: "It could not be loaded." }));
    this.dialog.addEventListener("close", () => {
      this.worker.terminate();
      this.dialog.remove();
    });
    this.dialog.addEventListener("pointerdown", ({ target }) => (this.#isOutside = target === this.dialog));
    this.dialog.addEventListener("click", (event) => this.#click(event));
    this.dialog.addEventListener("keydown", (event) => this.#press(event));
    this.field.addEventListener("input", () => {
      clearTimeout(this.#due);
      this.#due = setTimeout(() => this.#search(), SEARCH_MS);
    });
    this.#send("load", { address: new URL(address, location).href, most: MOST_BYTES, title: this.title });
    this.dialog.showModal();
  }

  part(selector) {
    return this.dialog.querySelector(selector);
  }

  #send(action, more) {
    this.worker.postMessage({ action, version: this.lines?.version ?? 0, ...more });
  }

  /** What the worker answers. Throws an Error with its sentence. */
  #ask(action, more) {
    const id = ++this.#asked;
    this.#send(action, { id, ...more });
    return new Promise((done, fail) => this.#answers.set(id, { done, fail }));
  }

  /** Asks for what changes lines: one after the other, of those that wait the last one. */
  #alter(action, more) {
    if (this.#altering) {
      if (action === "show") this.#next = more;
      return;
    }
    this.#altering = { action, ...more };
    this.#send(action, { ...more, current: this.lines.current });
    if (action === "openAll") this.#say("Opening …");
  }

  #hear(said) {
    const waiting = this.#answers.get(said.id);
    this.#answers.delete(said.id);
    if (waiting) said.problem ? waiting.fail(new Error(said.problem)) : waiting.done(said);
    else if (said.loaded) this.#say(`Loading … ${(said.loaded / 2 ** 20).toFixed(0)} MiB`);
    else if (said.read) this.lines.fill(said);
    else if (said.action === "load") this.#begin(said);
    else if (said.action === "search") this.#tellFound(said);
    else if (this.#altering?.action === said.action) this.#hasAltered(said);
    else if (said.problem) this.#say(said.problem);
  }

  #begin({ problem, size, lines }) {
    this.#say(problem ?? `${size.toLocaleString("en")} bytes, as they are stored`);
    this.tree.hidden = Boolean(problem);
    if (problem) return;
    this.lines = new TreeLines(this.tree, this.title, lines, {
      send: (action, more) => this.#send(action, more),
      alter: (action, more) => this.#alter(action, more),
      choose: (line) => this.#tellPath(line),
    });
    for (const tool of this.dialog.querySelectorAll("[disabled]")) tool.disabled = tool.matches(".step");
    this.#tellPath(0);
  }

  #hasAltered({ problem, lines, at, shown, isAll }) {
    const { action, line = 0 } = this.#altering;
    this.#altering = null;
    this.lines.change(lines, action === "show" ? 0 : line);
    if (action === "closeAll") this.lines.goTo(0);
    if (at !== undefined) this.lines.goTo(at);
    if (problem) this.#say(problem);
    else if (action === "openAll") this.#say(isAll ? "All is open" : "As much is open as can be shown at once");
    else if (shown !== undefined) {
      this.#found.shown = shown;
      this.#tellPlace();
    }
    const next = this.#next;
    this.#next = null;
    if (next) this.#alter("show", next);
  }

  #search() {
    clearTimeout(this.#due);
    const text = this.field.value;
    if (text === this.#found.text) return;
    this.#found = { count: 0, isAll: true, shown: -1, text, isAsked: true };
    this.lines.mark(text);
    this.#steps.forEach((step) => (step.disabled = true));
    this.part(".places").textContent = text ? "Searching …" : "";
    this.#send("search", { text });
  }

  get #steps() {
    return [...this.dialog.querySelectorAll(".step")];
  }

  #tellFound({ found, isAllFound, text, problem }) {
    if (text !== undefined && text !== this.#found.text) return;
    Object.assign(this.#found, { count: found ?? 0, isAll: isAllFound, isAsked: false });
    this.#steps.forEach((step) => (step.disabled = !found));
    if (found) this.#alter("show", { number: 0 });
    else this.part(".places").textContent = problem ?? (this.#found.text ? "Not in it" : "");
  }

  #tellPlace() {
    const { count, shown, isAll } = this.#found;
    this.part(".places").textContent = `${(shown + 1).toLocaleString("en")} of ${isAll ? "" : "more than "}${count.toLocaleString("en")}`;
  }

  /** Shows the next place that was found, or the one before; behind the last one comes the first. */
  #step(by) {
    const { count, shown, text, isAsked } = this.#found;
    if (this.field.value !== text) this.#search();
    else if (count && !isAsked) this.#alter("show", { number: ((this.#next?.number ?? shown) + by + count) % count });
  }

  async #tellPath(line) {
    this.chosen = line;
    const { path } = await this.#ask("path", { line }).catch(() => ({ path: "" }));
    if (this.chosen === line) this.part(".path").textContent = path;
  }

  async #copy(what) {
    const line = what === "item" ? 0 : this.lines.current;
    const wanted = what === "path" ? this.#ask("path", { line }).then(({ path }) => path) : this.#ask("copy", { line }).then(({ copied }) => copied);
    const size = wanted.then((text) => text.size ?? text.length);
    try {
      await Promise.all([copy(wanted, this.dialog), size]);
      this.#say(`Copied the ${what}${what === "path" ? "" : `: ${(await size).toLocaleString("en")} bytes`}`);
    } catch (error) {
      const refused = await wanted.then(() => null, (reason) => reason.message);
      this.#say(refused ?? "The browser does not let this page copy");
    }
  }

  #say(text) {
    this.note.textContent = text;
  }

  #click({ target, detail }) {
    const { does, copies } = target.closest("button")?.dataset ?? {};
    const isOutside = target === this.dialog && this.#isOutside && detail < 2; // the first click of two has opened it
    if (isOutside || does === "close") this.dialog.close();
    else if (copies) this.#copy(copies);
    else if (does === "next" || does === "before") this.#step(does === "next" ? 1 : -1);
    else if (does) this.#alter(does, { line: 0 });
  }

  #press(event) {
    const isField = event.target === this.field;
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
    const key = event.key.toLowerCase();
    if (!this.lines) return;
    if (isField && key === "enter") this.#step(event.shiftKey ? -1 : 1);
    else if (isField && key === "escape" && this.field.value) {
      this.field.value = "";
      this.#search();
    } else if (isField && key === "arrowdown") this.lines.list.focus(this.lines.current);
    else if (key === "f3" || (isCommand && key === "g")) this.#step(event.shiftKey ? -1 : 1);
    else if (!isField && ((isCommand && key === "f") || (key === "/" && !isCommand))) this.field.select();
    else if (isCommand && key === "c" && event.target.matches("[role=treeitem]") && getSelection().isCollapsed) this.#copy("value");
    else return;
    event.preventDefault();
  }
}

const WHOLE_PARTS = `<div class="whole-head"><h2></h2><p class="hint note" role="status">Loading …</p><a class="button">Download</a><button type="button" data-does="close">Close</button></div>
<div class="whole-tools" role="group" aria-label="In this item">
<search><input type="search" placeholder="Search" aria-label="Search in this item" title="/ or Ctrl-F; Enter goes on, Shift-Enter goes back" maxlength="200" autocomplete="off" spellcheck="false" disabled>
<span class="hint places" role="status"></span>
<button type="button" class="quiet step" data-does="before" title="Shift-Enter or Shift-F3" disabled>Previous</button><button type="button" class="quiet step" data-does="next" title="Enter or F3" disabled>Next</button></search>
<button type="button" class="quiet" data-does="openAll" title="* opens all in a line" disabled>Open all</button><button type="button" class="quiet" data-does="closeAll" disabled>Close all</button>
<button type="button" class="quiet" data-copies="item" disabled>Copy item</button>
</div>
<div class="tree" aria-busy="true"><div class="canvas" role="none"></div></div>
<div class="whole-place"><code class="path"></code><button type="button" class="quiet" data-copies="path" disabled>Copy path</button><button type="button" class="quiet" data-copies="value" title="Ctrl-C" disabled>Copy value</button></div>`;
