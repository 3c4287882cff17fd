// The list of executions: keys, selection, bulk actions, and following what happens.
import { ask, call, toast } from "./api.js";
import { KEEP_COUNTING, watch } from "./live.js";

const results = document.getElementById("results");
const dialog = document.getElementById("dialog");
const EVENTS = "/api/v1/executions/events";
const OWN_PARAMETERS = ["search", "range", "startedAfter", "startedBefore"];
const picked = new Set();
let current = null;
let paused = false;
let asking = false;

const rows = () => [...results.querySelectorAll(".row")];
const row = () => document.getElementById(current) ?? null;
const list = () => document.getElementById("rows");

function showPicked() {
  for (const box of results.querySelectorAll('[name="id"]')) {
    box.checked = picked.has(box.value);
    box.closest(".row").classList.toggle("picked", box.checked);
  }
  document.getElementById("picked").textContent = picked.size ? ` · ${picked.size} selected` : "";
  const all = document.getElementById("pick-all");
  const boxes = rows().length;
  all.checked = boxes > 0 && picked.size >= boxes;
  all.indeterminate = picked.size > 0 && !all.checked;
  document.getElementById("pause").setAttribute("aria-pressed", String(paused));
  document.getElementById("pause").querySelector("use").setAttribute("href", paused ? "#i-play" : "#i-pause");
  document.getElementById("pause").querySelector("span").textContent = paused ? "Paused" : "Pause";
  for (const each of rows()) each.classList.toggle("current", each.id === current);
}

results.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") {
    for (const box of results.querySelectorAll('[name="id"]')) event.target.checked ? picked.add(box.value) : picked.delete(box.value);
  } else if (event.target.name === "id") {
    event.target.checked ? picked.add(event.target.value) : picked.delete(event.target.value);
  }
  showPicked();
});
results.addEventListener("click", (event) => {
  if (event.target.closest("#pause")) pause();
  if (event.target.closest("#help")) help();
});
document.addEventListener("htmx:afterSettle", showPicked);

function move(step) {
  const all = rows();
  const at = all.findIndex((each) => each.id === current);
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  if (!next) return;
  current = next.id;
  (next.querySelector(".name a") ?? next.querySelector("input")).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  showPicked();
}
results.addEventListener("focusin", (event) => {
  const inside = event.target.closest(".row");
  if (inside && inside.id !== current) {
    current = inside.id;
    showPicked();
  }
});

function pick() {
  const box = row()?.querySelector('[name="id"]');
  if (box) box.click();
}

/** Opens the dialog of an action, for what is selected or else for the present row. */
function bulk(action) {
  const button = results.querySelector(`[data-bulk="${action}"]`);
  if (!button) return;
  if (!picked.size && !row()) return;
  const path = button.getAttribute("hx-get").split("?")[0];
  const address = picked.size ? path : `${path}?id=${current.slice(2)}`; // of a button, what is selected is added
  htmx.ajax("GET", address, { source: button, target: "#dialog", swap: "innerHTML" }).catch(() => null);
}

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("[data-bulk]")) return;
  for (const id of picked) event.detail.formData.append("id", id);
});

function pause() {
  paused = !paused;
  showPicked();
  if (!paused) follow();
}

function help() {
  dialog.replaceChildren(document.getElementById("keys").content.cloneNode(true));
  dialog.showModal();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  x: pick,
  r: () => bulk("retry"),
  s: () => bulk("stop"),
  t: () => bulk("tag"),
  n: () => document.querySelector("#newer a")?.click(),
  p: pause,
  "/": () => document.getElementById("search").select(),
  "?": help,
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.id === "search") event.target.blur();
  const within = event.target.closest("dialog"); // one that has just been closed may have the focus for a moment
  const typing = within ? within.open : event.target.closest("input:not([type=checkbox]), select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  if (event.key.startsWith("Arrow") && !event.target.closest(".row")) return; // elsewhere they scroll
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("console:carried-out", () => picked.clear());

document.getElementById("filters").addEventListener("change", () => {
  const fields = document.querySelectorAll("#more-filters :is(input, select)");
  document.getElementById("more-set").textContent = [...fields].filter((each) => each.value).length || "";
});

/** Puts the views that there are by now into the menu, which stays open. */
async function showViews() {
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok || response.redirected) return; // as to the page that signs in
  const found = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const each of document.querySelectorAll("#views > p")) each.remove();
  document.getElementById("views").prepend(...found.querySelectorAll("#views > p"));
}

document.getElementById("view-name").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) document.getElementById("save-view").click();
});
document.getElementById("save-view").addEventListener("click", async () => {
  const field = document.getElementById("view-name");
  try {
    const view = await call("POST", "/api/v1/views", { name: field.value, query: document.getElementById("newer").dataset.query });
    field.value = "";
    await showViews();
    toast(`Saved as ${view.name}`);
  } catch (error) {
    toast(error.message, { problem: true });
  }
});

// Following: what is shown and has not ended is asked for again, and newer ones are counted, not put in.
async function follow() {
  if (paused || document.hidden || asking || !list()) return;
  asking = true;
  try {
    const note = document.getElementById("newer");
    const query = new URLSearchParams(note.dataset.state);
    query.set("after", note.dataset.newest);
    await htmx.ajax("GET", `${list().dataset.newer}?${query}`, { target: "#newer", swap: "morph:innerHTML" }).catch(() => null);
    await refresh(rows().filter((each) => "live" in each.dataset));
  } finally {
    asking = false;
  }
}

async function refresh(shown) {
  if (!shown.length) return;
  const query = new URLSearchParams();
  for (const each of shown.slice(0, 100)) query.append("id", each.id.slice(2));
  const response = await ask(`${list().dataset.rows}?${query}`);
  if (!response?.ok) return;
  const found = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const each of shown.slice(0, 100)) {
    const fresh = found.getElementById(each.id);
    if (fresh) Idiomorph.morph(each, fresh, { ignoreActiveValue: true, callbacks: KEEP_COUNTING });
    else each.classList.add("gone");
    if (document.getElementById(each.id)) htmx.process(document.getElementById(each.id));
  }
  showPicked();
}

function events() {
  const query = new URLSearchParams(document.getElementById("newer").dataset.state);
  for (const name of OWN_PARAMETERS) query.delete(name);
  return `${EVENTS}?${query}`;
}

const live = watch(events, follow);
document.addEventListener("htmx:afterSettle", (event) => event.detail.target === results && live.reopen());
document.addEventListener("console:changed", async () => {
  await refresh(rows());
  await follow();
});
addEventListener("pageshow", (event) => event.persisted && refresh(rows()));

// Who comes back to this entry of the history, or loads it anew, finds selected what was, and in sight what was.
// The browser would scroll as far as the first rows reach: older ones are loaded before.
history.scrollRestoration = "manual";
const ROWS_AGAIN = 1000;
const top = (each) => each.getBoundingClientRect().top;
let isLeft = false; // the list is of an entry that one has gone back or forward from
function keepPlace() {
  if (isLeft) return;
  const first = scrollY > 0 ? rows().find((each) => top(each) >= 0) : null;
  const place = first ? { id: first.id, top: top(first) } : null;
  history.replaceState({ ...history.state, picked: [...picked], place }, "");
}
for (const kind of ["pagehide", "scrollend"]) addEventListener(kind, keepPlace);
document.addEventListener("htmx:beforeHistoryUpdate", keepPlace);
addEventListener("popstate", (event) => {
  if (!event.state?.htmx) return; // as behind a link to a part of the page
  event.stopImmediatePropagation(); // htmx loads it anew, too, but forgets what is noted here
  isLeft = true;
  location.reload();
});

async function comeBack(place) {
  let moved = false;
  for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) addEventListener(kind, () => (moved = true), { once: true, passive: true });
  while (!document.getElementById(place.id) && rows().length < ROWS_AGAIN) {
    const shown = results.querySelector(".more");
    if (!shown || shown.matches(".htmx-request")) break; // it is in sight: what is below comes by itself
    const more = shown.cloneNode(true);
    shown.replaceWith(more); // this one does not load itself
    const response = await ask(more.getAttribute("hx-get"));
    if (!response?.ok) {
      htmx.process(more);
      break;
    }
    const text = await response.text();
    if (!more.isConnected) return; // another list is shown by now
    more.insertAdjacentHTML("afterend", text);
    more.remove();
    htmx.process(list());
    showPicked();
  }
  const row = document.getElementById(place.id) ?? rows().at(-1);
  if (row && !moved) scrollBy({ top: top(row) - place.top, behavior: "instant" });
}
for (const id of history.state?.picked ?? []) picked.add(id);
showPicked();
if (history.state?.place) comeBack(history.state.place);
