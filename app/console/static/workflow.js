// One workflow: run it with an input, and look at its graph.
import "./refresh.js";
import { startExecution } from "./start.js";
import { startZoom } from "./zoom.js";

startZoom();
document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".run-form");
  if (!form) return;
  event.preventDefault();
  const body = {};
  if (form.elements.startNode) body.startNode = form.elements.startNode.value;
  await startExecution(form, body, "input");
});
