// What every page does: actions by buttons, the dialog, relative times, whatever goes wrong.
import { call, leaveBy, serverNow, setClock, tellSignedIn, tellSignedOut, tellUnreachable, toast } from "./api.js";
import { carryOut } from "./bulk.js";
import { copy } from "./copying.js";

const dialog = document.getElementById("dialog");
const asked = [location.search, document.body.dataset.madeFor].map((query) => String(new URLSearchParams(query)));
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"]];

// A step back or forward that came before this script has led to another address than the page is of.
const isOther = asked[0] !== asked[1];
if (isOther !== Boolean(history.state?.isLoadedAnew)) {
  history.replaceState({ ...history.state, isLoadedAnew: isOther }, "");
  if (isOther) location.reload();
}

/** As app/console/texts.py writes it. */
export function ago(moment, now = serverNow()) {
  const seconds = (now - moment) / 1000;
  const unit = UNITS.find(([length]) => Math.abs(seconds) >= length);
  if (!unit) return seconds >= -1 ? "now" : "in a moment";
  const text = `${Math.floor(Math.abs(seconds) / unit[0])} ${unit[1]}`;
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

/** A length of time that still grows. */
function lasting(seconds) {
  if (seconds < 60) return `${Math.max(0, seconds).toFixed(0)} s`;
  const unit = UNITS.find(([length]) => seconds >= length);
  return `${Math.floor(seconds / unit[0])} ${unit[1]}`;
}

function tellTimes() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[datetime]:not([data-exact])")) {
    const text = ago(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
  for (const running of document.querySelectorAll("[data-since]")) {
    running.textContent = lasting((serverNow() - Date.parse(running.dataset.since)) / 1000);
  }
}
setInterval(tellTimes, 1000);
document.addEventListener("visibilitychange", tellTimes);
tellTimes();

// On hover a time is told by the reader's clock, too.
document.addEventListener("mouseover", (event) => {
  const time = event.target.closest?.("time[datetime]");
  if (!time || time.title.includes("·")) return;
  const here = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  time.title = `${here} · ${time.title}`;
});

/** Tells the page that something was changed, so that whatever shows it asks again. */
export function changed() {
  document.dispatchEvent(new CustomEvent("console:changed"));
}

async function act(button) {
  const [method, path] = button.dataset.api.split(" ");
  const body = button.dataset.body ? JSON.parse(button.dataset.body) : undefined;
  if (button.dataset.confirm && !confirm(button.dataset.confirm)) return;
  button.disabled = true;
  let leaves = false;
  try {
    const answer = await call(method, path, body).catch((error) => {
      if (method === "DELETE" && error.status === 404 && button.dataset.remove) return null; // gone by another tab
      throw error;
    });
    if (button.dataset.open) {
      leaves = true;
      leaveBy(button, button.dataset.open.replace("{id}", answer.id));
    } else {
      const link = "mayRead" in document.body.dataset && answer?.id && path.endsWith("/retry") ? `/console/executions/${answer.id}` : null;
      toast(button.dataset.done || "Done", { link });
      if (button.dataset.remove) button.closest(button.dataset.remove).remove();
      changed();
    }
  } catch (error) {
    toast(error.message, { problem: true });
    if (error.status === 404 || error.status === 409) changed(); // it is no longer what the page shows
  } finally {
    button.disabled = leaves;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-api]");
  if (button) act(button);
  if (event.target.closest("[data-close]")) dialog.close();
  const copied = event.target.closest("[data-copy]");
  if (copied) copy(copied.dataset.copy).then(() => toast("Copied"), () => toast("The browser does not let this page copy", { problem: true }));
});

// The last runs of a workflow are one stop of the Tab key, and arrows go through them; the newest is on the right.
document.addEventListener("keydown", (event) => {
  const from = event.target.closest(".strip a");
  if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = [...from.closest(".strip").querySelectorAll("a")];
  const at = all.indexOf(from);
  const to = { ArrowLeft: all[at + 1], ArrowRight: all[at - 1], Home: all.at(-1), End: all[0] }[event.key];
  if (!to) return;
  event.preventDefault();
  from.setAttribute("tabindex", "-1");
  to.removeAttribute("tabindex");
  to.focus();
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("submit", async (event) => {
  const form = event.target.closest(".bulk-form");
  if (!form) return;
  event.preventDefault();
  await carryOut(form);
  if (dialog.contains(form)) dialog.close();
  document.dispatchEvent(new CustomEvent("console:carried-out"));
  changed();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialog && !dialog.open) dialog.showModal();
  tellTimes();
});

// A session stays alive while somebody uses the page, not because the page follows what happens.
const ATTENDED_MS = 60000;
let touched = 0;
for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) addEventListener(kind, () => (touched = Date.now()), { capture: true, passive: true });

// An empty field says nothing, and stands in no address.
document.addEventListener("htmx:configRequest", (event) => {
  if (Date.now() - touched < ATTENDED_MS) event.detail.headers["X-Console-Attended"] = "1";
  const sent = event.detail.formData;
  for (const [name, value] of [...sent]) if (value === "") sent.delete(name);
});
// What is typed into a field is one step of the history, however often the list follows it meanwhile; to stay is none.
let typedIn = null;
document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
  const { type, target } = detail.requestConfig.triggeringEvent ?? {};
  const isSame = detail.history.path === location.pathname + location.search;
  if (isSame || (type === "input" && target === typedIn)) detail.history.type = "replace";
  typedIn = type === "input" ? target : null;
});
document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
});
// A request that a newer one takes the place of, or that ends with its page, is no error, and nothing for the log:
// what is said of a request stands before what htmx says of its end.
document.addEventListener("htmx:beforeSend", ({ detail }) => {
  const end = detail.xhr.onabort;
  detail.xhr.onabort = (event) => {
    detail.error = null;
    end(event);
  };
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) {
    tellSignedOut();
    return;
  }
  if (event.detail.target.id === "newer") {
    tellUnreachable(event.detail.xhr.status); // it is asked for time and again
    return;
  }
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  toast(page.querySelector('[role="alert"]')?.textContent || `The server answered ${event.detail.xhr.status}`, { problem: true });
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  setClock(event.detail.xhr.getResponseHeader("Date"));
  if (event.detail.xhr.status < 400) tellSignedIn();
});
document.addEventListener("htmx:sendError", () => tellUnreachable());

// Popovers close when one clicks elsewhere or presses Escape.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.more-filters[open], details.menu[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.more-filters[open], details.menu[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
