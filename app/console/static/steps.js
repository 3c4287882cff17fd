// What one looks at of an execution stands in the address: node and round, and of its input and its output which of
// several and in which view. Each choice is a step, which Back takes back and Forward takes again.
import { announce } from "./api.js";
import { frame } from "./zoom.js";

const now = document.getElementById("now");
const panel = document.getElementById("node");
const LISTS = ["input", "output"]; // which of several; they are those of one node
const VIEWS = ["inputView", "outputView"]; // one looks at all nodes in the same way
const FROM = ["inputFrom", "outputFrom"]; // of pages without scripts
const drafts = new Map(); // inputs that somebody has changed and not sent yet, by node and round
let request = null; // the one for the panel that is under way
let seen = place(); // what was asked for last
let shown = null; // the node in the panel, and the address that has it

/** What the address names, and of the node also the history; null where they name none. */
function place() {
  const { searchParams } = new URL(location);
  const [node, ...others] = ["node", "run", ...LISTS, ...VIEWS].map((name) => searchParams.get(name));
  return [node ?? history.state?.node ?? null, ...others];
}

const isSame = (one, other) => one.every((each, at) => each === other[at]);
const marked = () => document.querySelector('#graph [aria-current="true"]')?.dataset.node;
const current = () => place()[0] ?? marked(); // the first address may not name it
const without = (names) => Object.fromEntries(names.map((name) => [name, null]));

/** Marks the node that is looked at, and brings it into sight within the graph. */
export function mark(name, { scroll = false } = {}) {
  for (const each of document.querySelectorAll("#graph [data-node]")) {
    const isChosen = each.dataset.node === name;
    isChosen ? each.setAttribute("aria-current", "true") : each.removeAttribute("aria-current");
    if (isChosen && scroll) {
      const [own, room] = [each.getBoundingClientRect(), frame().getBoundingClientRect()];
      frame().scrollLeft += own.left + own.width / 2 - room.left - room.width / 2;
      frame().scrollTop += own.top + own.height / 2 - room.top - room.height / 2;
    }
  }
}

/** Goes on to this page with other parameters, by name; null takes one out. */
function step(parameters) {
  const address = new URL(location);
  const node = current();
  const before = String(address.searchParams);
  address.hash = "";
  for (const [name, value] of Object.entries(parameters)) {
    value === null ? address.searchParams.delete(name) : address.searchParams.set(name, value);
  }
  if (String(address.searchParams) === before) return;
  if (node && !address.searchParams.has("node")) address.searchParams.set("node", node);
  history.replaceState({ ...history.state, node }, "");
  history.pushState({ ...history.state, node: null }, "", address);
  seen = place();
}

/** Where the panel of a node is, of its last round where none is named. */
export function panelOf(node, run) {
  const address = new URL("node", new URL(now.dataset.now, location));
  address.searchParams.set("node", node);
  if (run !== null) address.searchParams.set("run", run);
  return address.pathname + address.search;
}

/** Loads the panel of a node. */
export function load(node, run) {
  mark(node);
  htmx.ajax("GET", panelOf(node, run), { target: "#node", swap: "innerHTML" }).catch(() => null);
}

addEventListener("popstate", () => {
  const wanted = place();
  if (wanted[0] === null || isSame(wanted, seen)) return; // as behind a link to a part of the page
  seen = wanted;
  load(wanted[0], wanted[1]);
});

// Whatever asks for the panel: the newest of several wins, and if a node or a round was chosen, the address says so.
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.target !== panel) return;
  request?.abort();
  request = detail.xhr;
  panel.setAttribute("aria-busy", "true");
  const chosen = detail.elt.closest("[data-node]")?.dataset.node;
  if (!chosen) return;
  const asked = new URL(detail.pathInfo.finalRequestPath ?? detail.pathInfo.requestPath, location).searchParams;
  const round = asked.get("round");
  const run = asked.get("run") ?? (round ? String(round - 1) : null);
  step({ node: chosen, run, ...without(FROM), ...(chosen === current() ? {} : without(LISTS)) });
  mark(chosen);
});

// It is asked for as one looks at it: of the same node at the same lists, of each node in the same views.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const { searchParams } = new URL(location);
  const chosen = detail.elt.closest("[data-node]")?.dataset.node ?? current();
  const sent = detail.target !== panel ? [] : chosen === current() ? [...LISTS, ...VIEWS] : VIEWS;
  for (const name of sent) if (searchParams.has(name)) detail.parameters[name] = searchParams.get(name);
  if ("choice" in detail.elt.dataset) detail.parameters.view = searchParams.get(`${sideOf(detail.elt)}View`) ?? "table";
});

const sideOf = (element) => element.closest(".pane").dataset.side;
panel.addEventListener("click", ({ target }) => {
  const button = target.closest(".pane [data-view], .pane [data-choice]");
  if (!button || button.ariaPressed === "true") return;
  const { view, choice } = button.dataset;
  const side = sideOf(button);
  step({ [`${side}From`]: null, ...(view ? { [`${side}View`]: view === "table" ? null : view } : { [side]: choice }) });
});

const keyOf = (form) => JSON.stringify([form.dataset.node, form.dataset.run]);
panel.addEventListener("input", ({ target }) => target.name === "items" && drafts.set(keyOf(target.form), target.value));

function restoreDraft() {
  const form = panel.querySelector(".restart-form");
  const draft = form && drafts.get(keyOf(form));
  if (draft == null || !form.elements.items || draft === form.elements.items.value) return;
  form.elements.items.value = draft;
  form.closest("details").open = true;
}

const noteShown = () => (shown = { node: document.getElementById("node-name").textContent, search: location.search });

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const { elt } = detail.requestConfig;
  if (detail.target.matches("#node .items")) {
    if ("choice" in elt.dataset) for (const each of elt.parentElement.children) each.ariaPressed = String(each === elt);
    if (!panel.ariaBusy) noteShown();
  }
  if (detail.target !== panel) return;
  panel.removeAttribute("aria-busy");
  restoreDraft();
  noteShown();
  if (!elt.closest("[data-node]")) return;
  panel.scrollIntoView({ block: "nearest", behavior: "smooth" });
  announce(`${shown.node}: ${panel.querySelector(".node-head .hint").textContent}`);
});

// It did not come: what the panel still shows is what is chosen.
for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, ({ detail }) => {
    if (detail.target !== panel && !detail.target.matches("#node .items")) return;
    panel.removeAttribute("aria-busy");
    if (!shown) panel.querySelector(".hint").textContent = "What it was given and gave could not be loaded.";
    else {
      history.replaceState(history.state, "", location.pathname + shown.search);
      seen = place();
    }
    mark(shown?.node);
  });
}

if (document.getElementById("node-name")) noteShown();
