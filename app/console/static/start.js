// Forms that start an execution: with its input as it was, or as it is written now.
import { call, leaveBy, toast } from "./api.js";

/** Sends `body`, with the form's field as `name` where it was changed, and goes to the execution; else says why not. */
export async function startExecution(form, body, name) {
  const note = form.querySelector(".outcome");
  const button = form.querySelector("button.primary");
  const field = form.elements[name];
  note.hidden = true;
  button.disabled = true;
  try {
    if (field && field.value !== field.dataset.original) {
      const items = JSON.parse(field.value);
      body[name] = Array.isArray(items) ? items : [items];
    }
    const answer = await call("POST", form.dataset.path, body);
    if ("mayRead" in document.body.dataset) leaveBy(button, `/console/executions/${answer.id}`);
    else {
      toast(`Execution ${answer.id} has been queued`);
      button.disabled = false;
    }
  } catch (error) {
    note.textContent = error instanceof SyntaxError ? `The input is no JSON: ${error.message}` : error.message;
    note.hidden = false;
    button.disabled = false;
  }
}
