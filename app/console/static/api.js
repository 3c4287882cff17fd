// Calls of the API with the session of this page.

const token = () => document.querySelector('meta[name="page-token"]')?.content ?? "";

/** Calls the API and returns what it answers, decoded. Throws an Error with its sentence. */
export async function call(method, path, body) {
  const headers = { "X-Console-Token": token() };
  if (body != null) headers["Content-Type"] = "application/json";
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  const response = await fetch(path, { method, headers, body: body == null ? undefined : JSON.stringify(body) });
  const text = await response.text();
  let answer = null;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = { message: text.slice(0, 200) };
  }
  if (response.status === 401) location.reload();
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
