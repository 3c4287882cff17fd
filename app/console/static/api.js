// Calls of the API with the session of this page.

const token = () => document.querySelector('meta[name="page-token"]')?.content ?? "";

/** Takes over the token of a session that was begun in another tab. Says whether there was one. */
async function renewToken() {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector('meta[name="page-token"]')?.content;
  if (!fresh || fresh === token()) return false;
  document.querySelector('meta[name="page-token"]').content = fresh;
  return true;
}

/** Says that the session has ended. The page stays as it is, and so does what was written in it. */
export function tellSignedOut() {
  if (document.getElementById("signed-out")) return;
  const note = document.createElement("a");
  note.id = "signed-out";
  note.className = "toast problem";
  note.href = "/console/sign-in?next=/console/";
  note.target = "_blank";
  note.textContent = "You are signed out. Sign in in another tab, and go on here: what you have written stays.";
  document.getElementById("toasts").append(note);
}

/** The session is there: what was said of its end is over. */
export function tellSignedIn() {
  document.getElementById("signed-out")?.remove();
}

/** Calls the API and returns what it answers, decoded. Throws an Error with its sentence. */
export async function call(method, path, body) {
  const headers = { "X-Console-Token": token() };
  if (body != null) headers["Content-Type"] = "application/json";
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  const options = { method, headers, body: body == null ? undefined : JSON.stringify(body) };
  let response = await fetch(path, options);
  if (response.status === 403 && (await renewToken())) {
    headers["X-Console-Token"] = token();
    response = await fetch(path, options);
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
  tellSignedIn();
  if (!response.ok) throw new Error(answer.message || `The server answered ${response.status}`);
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
  setTimeout(() => note.remove(), problem ? 12000 : 6000);
}
