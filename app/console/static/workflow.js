// One workflow: run it with an input, and look at its graph.
import { call } from "./api.js";
import "./reload.js";
import { startZoom } from "./zoom.js";

startZoom();
document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".run-form");
  if (!form) return;
  event.preventDefault();
  const note = form.querySelector(".outcome");
  const button = form.querySelector("button");
  const field = form.elements.input;
  note.hidden = true;
  button.disabled = true;
  try {
    const body = {};
    if (form.elements.startNode) body.startNode = form.elements.startNode.value;
    if (field.value !== field.dataset.original) {
      const items = JSON.parse(field.value);
      body.input = Array.isArray(items) ? items : [items];
    }
    const answer = await call("POST", form.dataset.path, body);
    location.assign(`/console/executions/${answer.id}`);
  } catch (error) {
    note.textContent = error instanceof SyntaxError ? `The input is no JSON: ${error.message}` : error.message;
    note.hidden = false;
    button.disabled = false;
  }
});
