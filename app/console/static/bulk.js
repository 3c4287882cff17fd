// What is done to many executions: the dialog holds the calls, the choices in it complete them.
import { call, serverNow, toast } from "./api.js";

const JOBS = { retry: "/api/v1/executions/retryMany", delete: "/api/v1/executions/delete" };
const LIST = "/console/executions";
const MOST_IDS = 50; // as app/console/execution_list.py has it
const MOST_REFUSED = 1000; // whose answers are read to find the ids of retries
const SHARED = ["workflowId", "projectId"]; // what a retry has in common with what it retries
const ASK_MS = 1000;
const SKEW_MS = 2000; // the server's clock is known to the second
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

/** Waits for what goes on in the background, and tells how far it is. */
async function finished(action, answer, note) {
  if (!answer.job) return answer;
  for (;;) {
    const job = await call("GET", `${JOBS[action]}/${answer.job}`);
    const done = job.retried ?? job.deleted ?? 0;
    note.textContent = job.matched ? `${done.toLocaleString("en")} of ${job.matched.toLocaleString("en")}` : done.toLocaleString("en");
    if (job.finished) return { ...job, job: answer.job, results: [] };
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

/** The executions with these ids: as many as one can search for at once. */
function named(ids) {
  if (!ids.length || ids.length > MOST_IDS) return null;
  return ids.length === 1 ? `${LIST}/${ids[0]}` : `${LIST}?${new URLSearchParams({ search: ids.map((id) => `#${id}`).join(" ") })}`;
}

/** The ids of retries; null where there are more than can be searched for. */
async function retriesOf(answers) {
  const results = answers.flatMap((answer) => answer.results ?? []);
  for (const { job, retried, refused } of answers) {
    if (!job) continue;
    if (retried > MOST_IDS || refused > MOST_REFUSED) return null;
    for (let cursor = ""; cursor !== null; ) {
      const page = await call("GET", `${JOBS.retry}/${job}?${new URLSearchParams(cursor ? { cursor } : { limit: 250 })}`);
      results.push(...page.results);
      cursor = page.nextCursor;
    }
  }
  return results.flatMap((each) => each.retryId ?? []);
}

/** Where to see what was done: exactly that where it has few ids, else what of the same list was done since then. */
async function touched(form, answers, began) {
  const { action, state } = form.dataset;
  if (action === "delete") return null;
  const ids = action === "retry" ? await retriesOf(answers) : form.dataset.named.split(" ").filter(Boolean);
  const exact = named(ids ?? []);
  if (exact) return exact;
  const query = new URLSearchParams(state);
  if (action === "retry") {
    for (const name of [...query.keys()]) if (!SHARED.includes(name)) query.delete(name);
    query.append("mode", "retry");
    query.append("startedAfter", began);
  }
  if (action === "stop") {
    query.delete("status");
    query.set("status", "canceled");
  }
  return `${LIST}?${query}`;
}

/** Sends the calls of a dialog's form one after the other, and says what became of them. */
export async function carryOut(form) {
  const { action } = form.dataset;
  const began = new Date(serverNow() - SKEW_MS).toISOString();
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
  const link = answers.length ? await touched(form, answers, began).catch(() => null) : null;
  if (answers.length) toast(outcome(action, answers), { link });
  if (problems.size) toast([...problems].slice(0, 3).join(" · "), { problem: true });
}
