// What one looks at of an execution: node, round and view stand in the address. Each choice is a step, which Back
// takes back and Forward takes again.
import { announce } from "./api.js";
import { frame } from "./zoom.js";

const now = document.getElementById("now");
const panel = document.getElementById("node");
const drafts = new Map(); // inputs that somebody has changed and not sent yet, by node and round
let request = null; // the one for the panel that is under way
let seen = place(); // what was asked for last
let shown = null; // the node in the panel, and the address that has it

/** The node, the round and the view that the address and the history name; null where they name none. */
function place() {
  const { searchParams } = new URL(location);
  const [node, run, view] = ["node", "run", "view"].map((name) => searchParams.get(name));
  return [node ?? history.state?.node ?? null, run, view];
}

const isSame = (one, other) => one.every((each, at) => each === other[at]);
const marked = () => document.querySelector('#graph [aria-current="true"]')?.dataset.node;

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
export function step(parameters) {
  const address = new URL(location);
  address.hash = "";
  for (const [name, value] of Object.entries(parameters)) {
    value === null ? address.searchParams.delete(name) : address.searchParams.set(name, value);
  }
  if (address.search === location.search) return;
  history.replaceState({ ...history.state, node: place()[0] ?? marked() }, ""); // the first address may not name it
  history.pushState({ ...history.state, node: null }, "", address);
  seen = place();
}

/** Loads the panel of a node, of its last round where none is named. */
export function load(node, run) {
  const address = new URL("node", new URL(now.dataset.now, location));
  address.searchParams.set("node", node);
  if (run !== null) address.searchParams.set("run", run);
  mark(node);
  htmx.ajax("GET", address.pathname + address.search, { target: "#node", swap: "innerHTML" }).catch(() => null);
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
  step({ node: chosen, run: asked.get("run") ?? (round ? String(round - 1) : null) });
  mark(chosen);
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

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== panel) return;
  panel.removeAttribute("aria-busy");
  restoreDraft();
  shown = { node: document.getElementById("node-name").textContent, search: location.search };
  if (!detail.requestConfig.elt.closest("[data-node]")) return;
  panel.scrollIntoView({ block: "nearest", behavior: "smooth" });
  announce(`${shown.node}: ${panel.querySelector(".node-head .hint").textContent}`);
});

// It did not come: what the panel still shows is what is chosen.
for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, ({ detail }) => {
    if (detail.target !== panel) return;
    panel.removeAttribute("aria-busy");
    if (!shown) panel.querySelector(".hint").textContent = "What it was given and gave could not be loaded.";
    else {
      history.replaceState(history.state, "", location.pathname + shown.search);
      seen = place();
    }
    mark(shown?.node);
  });
}

if (document.getElementById("node-name")) shown = { node: document.getElementById("node-name").textContent, search: location.search };
