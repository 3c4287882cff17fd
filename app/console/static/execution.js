// One execution: a retry from one of its nodes, and how it goes while it runs.
import { announce, ask, tellGone } from "./api.js";
import { rove, startGraph } from "./graph.js";
import { KEEP_COUNTING, watch } from "./live.js";
import { followPresses } from "./presses.js";
import { startExecution } from "./start.js";
import { load, mark, panelOf } from "./steps.js";
import { redraw, startZoom } from "./zoom.js";

const now = document.getElementById("now");
const panel = document.getElementById("node");
const POLL_MS = 1000;

// Retry from a node, with its input as it was or as it is written now.
panel.addEventListener("submit", async (event) => {
  const form = event.target.closest(".restart-form");
  if (!form) return;
  event.preventDefault();
  const body = { from: { node: form.dataset.node, run: Number(form.dataset.run) } };
  if (form.elements.version.value === "current") body.loadWorkflow = true;
  await startExecution(form, body, "items");
});

const state = () => document.querySelector(".head .pill").textContent;

const liveState = () => document.getElementById("live-state");

/** Puts the fresh parts of a page in the places of those with the same ids; what there was not is added to the graph. */
function replace(fresh) {
  const old = document.getElementById(fresh.id);
  if (old) Idiomorph.morph(old, fresh);
  else document.getElementById("graph").append(fresh);
  htmx.process(old ?? fresh);
}

/** Shows how it goes by now, all of it or what has changed; a new state is said, and stands in the title of the tab. */
function show(text) {
  const before = state();
  const changes = new DOMParser().parseFromString(text, "text/html").querySelector("body > [data-version]:not(#live-state)");
  if (changes) {
    Idiomorph.morph(now.querySelector(".head"), changes.querySelector(".head"), { callbacks: KEEP_COUNTING });
    htmx.process(now.querySelector(".head"));
    for (const fresh of [...changes.querySelector(":scope > svg").children, changes.querySelector("#timeline")]) replace(fresh);
    liveState().dataset.version = changes.dataset.version;
  } else {
    Idiomorph.morph(now, text, { morphStyle: "innerHTML", callbacks: KEEP_COUNTING });
    htmx.process(now);
    redraw();
  }
  rove();
  if (state() === before) return;
  document.title = document.title.replace(before, state());
  announce(`${state()}: ${document.querySelector("h1").textContent}`);
}

/** Shows how often a node was tried by now; the rest of its panel stays as it is under the mouse. */
async function showTries(address) {
  const old = panel.querySelector(".tries[data-so-far]");
  const response = old && (await ask(address));
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".tries");
  if (fresh) old.replaceWith(fresh);
  else old.remove();
}

const isLive = () => document.querySelector("#live-state[data-live]") !== null;

let isAsking = false;
let isDue = false;

/** Asks how it goes, and once more where that was wanted meanwhile: an answer never comes after a newer one. */
async function follow() {
  isDue = true;
  if (isAsking) return;
  isAsking = true;
  try {
    while (isDue) {
      isDue = false;
      await look();
    }
  } finally {
    isAsking = false;
  }
}

// While it runs the page asks how it goes; when it has ended, once more for what the node gave.
async function look() {
  if (document.hidden || !isLive()) return;
  const chosen = new URL(location).searchParams.get("node");
  const query = new URLSearchParams(chosen ? { node: chosen } : {});
  const { version } = liveState().dataset;
  if (version) query.set("since", version);
  const response = await ask(`${now.dataset.now}?${query}`);
  if (response?.status === 404) leave();
  if (!response?.ok) return;
  show(await response.text());
  const ended = !isLive();
  if (ended) live?.stop();
  const current = document.querySelector('#graph [aria-current="true"]');
  if (!current) return;
  const shown = [current.dataset.node, new URL(location).searchParams.get("run")];
  if (ended || !panel.querySelector(".panes")) load(...shown);
  else await showTries(panelOf(...shown));
}
const id = now.dataset.now.split("/").at(-2);
const live = isLive() ? watch(() => `/api/v1/executions/events?id=${id}`, follow) : null;
const asking = setInterval(() => document.querySelector('#live-state[data-status="running"]') && follow(), POLL_MS);

/** It was deleted: there is nothing more to ask for. */
function leave() {
  tellGone("This execution");
  clearInterval(asking);
  live?.stop();
}
const showLedTo = followPresses(now, ".head .pill"); // the next button stands behind it
document.addEventListener("console:changed", async () => {
  const response = await ask(now.dataset.now);
  if (response?.status === 404) leave();
  if (response?.ok) show(await response.text());
  showLedTo();
});
startZoom();
startGraph();
mark(document.querySelector('#graph [aria-current="true"]')?.dataset.node, { scroll: true });
