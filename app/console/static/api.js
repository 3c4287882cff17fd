// Calls of the API with the session of this page.

const token = () => document.querySelector('meta[name="page-token"]')?.content ?? "";

const TOLERATED_MS = 5000;
const TOAST_MS = 6000;
let ahead = 0;

/** The present moment by the server's clock, which what it tells goes by; this one may be wrong. */
export const serverNow = () => Date.now() + ahead;

/** Learns from an answer's date how far this clock is from the server's; a few seconds are its way here. */
export function setClock(date) {
  const difference = Date.parse(date) - Date.now();
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) > TOLERATED_MS ? difference : 0;
}

/** Says something to whoever listens to the page instead of looking at it. */
export function announce(text) {
  document.getElementById("told").textContent = text;
}

/** Takes over the token of a session that was begun in another tab. Says whether there was one. */
async function renewToken() {
  const response = await fetch(location.href).catch(() => null);
  if (!response) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector('meta[name="page-token"]')?.content;
  if (!fresh || fresh === token()) return false;
  document.querySelector('meta[name="page-token"]').content = fresh;
  return true;
}

/** Shows a note that stays until it is taken away; of each id there is one. */
function tell(id, kind, text) {
  if (document.getElementById(id)) return null;
  const note = document.createElement(kind);
  note.id = id;
  note.className = "toast problem";
  note.textContent = text;
  document.getElementById("toasts").append(note);
  return note;
}

/** Goes to another page, by a button that cannot be pressed once more while that loads, but by who comes back to this one. */
export function leaveBy(button, address) {
  button.disabled = true;
  addEventListener("pageshow", () => (button.disabled = false), { once: true });
  location.assign(address);
}

/** Says that the session has ended. The page stays as it is, and so does what was written in it. */
export function tellSignedOut() {
  const note = tell("signed-out", "a", "You are signed out. Sign in in another tab, and go on here: what you have written stays.");
  if (!note) return;
  note.href = "/console/sign-in?next=/console/";
  note.target = "_blank";
}

/** Says once, until the server answers, that it does not, or with which status it refuses to: the page is of before. */
export function tellUnreachable(status) {
  const what = status ? `The server answers with status ${status}.` : "The server cannot be reached.";
  tell("unreachable", "p", `${what} You see what was there at ${new Date().toLocaleTimeString()}.`);
}

/** Whether an answer of this status says nothing of what was asked for: the server has a fault, or too much to do. */
export const isTrouble = (status) => status === 429 || status >= 500;

/** Says that what the page shows was deleted meanwhile. */
export function tellGone(what) {
  tell("gone", "p", `${what} was deleted. You see what it was like before.`);
}

/** The server answers, and the session is there: what was said of either is over. */
export function tellSignedIn() {
  document.getElementById("signed-out")?.remove();
  document.getElementById("unreachable")?.remove();
}

/**
 * Asks for a part of a page. Null, and a note, where the server cannot be reached or the session has ended; null alone
 * where `signal` has ended it.
 */
export async function ask(address, signal) {
  const response = await fetch(address, { headers: { "HX-Request": "true" }, signal }).catch(() => null);
  if (signal?.aborted) return null;
  if (!response) tellUnreachable();
  else if (isTrouble(response.status)) tellUnreachable(response.status);
  else if (response.status === 401) tellSignedOut();
  else tellSignedIn();
  if (response) setClock(response.headers.get("Date"));
  return response?.status === 401 ? null : response;
}

/** As fetch. Throws an Error that people understand. */
async function send(path, options) {
  try {
    const response = await fetch(path, options);
    setClock(response.headers.get("Date"));
    return response;
  } catch {
    throw new Error("The server cannot be reached: whether it has done this is not known");
  }
}

/** Calls the API and returns what it answers, decoded. Throws an Error with its sentence, and the status, if any. */
export async function call(method, path, body) {
  const headers = { "X-Console-Token": token() };
  if (body != null) headers["Content-Type"] = "application/json";
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  const options = { method, headers, body: body == null ? undefined : JSON.stringify(body) };
  let response = await send(path, options);
  if (response.status === 403 && (await renewToken())) {
    headers["X-Console-Token"] = token();
    response = await send(path, options);
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = { message: text.slice(0, 200) };
  }
  if (response.status === 401) {
    tellSignedOut();
    throw new Error("You are signed out: nothing was changed");
  }
  if (!isTrouble(response.status)) tellSignedIn();
  if (!response.ok) throw Object.assign(new Error(answer.message || `The server answered ${response.status}`), { status: response.status });
  return answer;
}

/** crypto.randomUUID is there in secure contexts only; a console on a plain address elsewhere has none. */
if (!crypto.randomUUID) {
  crypto.randomUUID = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Shows a sentence for a while; `link` is where it leads. */
export function toast(text, { problem = false, link = null } = {}) {
  const note = document.createElement(link ? "a" : "p");
  note.className = problem ? "toast problem" : "toast";
  note.textContent = text;
  if (link) note.href = link;
  document.getElementById("toasts").append(note);
  const leave = () => (note.matches(":hover, :focus") ? setTimeout(leave, TOAST_MS) : note.remove());
  setTimeout(leave, link || problem ? 2 * TOAST_MS : TOAST_MS);
}
