// What is done to many executions: the dialog holds the calls, the choices in it complete them.
import { call, tellUnreachable, toast } from "./api.js";

const JOBS = { retry: "/api/v1/executions/retryMany", delete: "/api/v1/executions/delete" };
const LIST = "/console/executions";
const ASK_MS = 1000;
const pause = () => new Promise((done) => setTimeout(done, ASK_MS));

function complete(one, form) {
  const chosen = new FormData(form);
  const body = structuredClone(one.body);
  if (form.dataset.action === "retry") {
    body.from = chosen.get("from");
    body.loadWorkflow = chosen.get("loadWorkflow") === "true";
  }
  if (form.dataset.action === "tag") {
    const tags = [...chosen.getAll("tag"), ...(chosen.get("newTag").trim() ? [chosen.get("newTag").trim()] : [])];
    if (body.annotation) body.annotation.tags = [...new Set(tags)];
    else body.tags = [...new Set(tags)];
  }
  return { ...one, body };
}

/** Makes a call, and again from where it left off until nothing is left. */
async function all(one, note) {
  let answer = await call(one.method, one.path, one.body);
  for (let tagged = answer.tagged; answer.nextCursor; answer.tagged = tagged) {
    note.textContent = `${tagged.toLocaleString("en")} so far`;
    answer = await call(one.method, one.path, { ...one.body, cursor: answer.nextCursor });
    tagged += answer.tagged;
  }
  return answer;
}

/** How far it is; null where that is not known just now, which ends nothing of it. */
async function progress(path) {
  try {
    return await call("GET", path);
  } catch (error) {
    if (error.status && error.status < 500) throw error;
    if (!document.getElementById("signed-out")) tellUnreachable(error.status);
    return null;
  }
}

/** Waits for what goes on in the background, and tells how far it is. */
async function finished(action, answer, note) {
  if (!answer.job) return answer;
  for (;;) {
    const job = await progress(`${JOBS[action]}/${answer.job}`);
    const done = job?.retried ?? job?.deleted ?? 0;
    if (job) note.textContent = job.matched ? `${done.toLocaleString("en")} of ${job.matched.toLocaleString("en")}` : done.toLocaleString("en");
    if (job?.finished) return { ...answer, ...job, results: [] };
    await pause();
  }
}

function outcome(action, answers) {
  const added = (name) => answers.reduce((sum, answer) => sum + (answer[name] ?? 0), 0).toLocaleString("en");
  if (action === "retry") return `${added("retried")} retried`;
  if (action === "stop") return `${answers.some((a) => "stopped" in a) ? added("stopped") : answers.length} stopped`;
  if (action === "delete") return "Deleted";
  return `${answers.some((a) => "tagged" in a) ? added("tagged") : answers.length} tagged`;
}

/** Where to see exactly what was touched: the one execution, or the list of what these calls have noted. */
function touched({ action, only }, answers) {
  const retries = answers.flatMap((answer) => answer.results ?? []).flatMap((each) => each.retryId ?? []);
  const one = { retry: retries.length === 1 && retries[0], stop: only, tag: only }[action];
  if (one && "mayRead" in document.body.dataset) return `${LIST}/${one}`;
  const calls = answers.flatMap((answer) => answer.touchedBy ?? []);
  return calls.length ? `${LIST}?${new URLSearchParams(calls.map((id) => ["touchedBy", id]))}` : null;
}

/** Sends the calls of a dialog's form one after the other, and says what became of them. */
export async function carryOut(form) {
  const { action } = form.dataset;
  const calls = JSON.parse(form.dataset.calls).map((one) => complete(one, form));
  const note = form.querySelector(".outcome");
  const answers = [];
  const problems = new Set();
  for (const button of form.querySelectorAll("button:not([data-close])")) button.disabled = true;
  for (const [number, one] of calls.entries()) {
    note.textContent = calls.length > 1 ? `${number + 1} of ${calls.length}` : "Under way";
    try {
      const answer = await finished(action, await all(one, note), note);
      answers.push(answer);
      for (const each of answer.results ?? []) if (each.message) problems.add(`#${each.id}: ${each.message}`);
    } catch (error) {
      problems.add(error.message);
    }
  }
  const link = touched(form.dataset, answers);
  if (answers.length) toast(outcome(action, answers), { link });
  if (problems.size) toast([...problems].slice(0, 3).join(" · "), { problem: true });
}
