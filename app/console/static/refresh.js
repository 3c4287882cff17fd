// After something was changed the page is asked for anew, and what differs is put in. It is not loaded again:
// that would end the way of whoever has followed a link meanwhile.
import { ask, tellGone } from "./api.js";
import { KEEP_COUNTING } from "./live.js";
import { followPresses } from "./presses.js";
import { redraw } from "./zoom.js";

const main = document.getElementById("main");
const showLedTo = followPresses(main, "#state");
const callbacks = {
  // What is written in a form stays.
  beforeNodeMorphed: (old, fresh) => old.localName !== "form" && KEEP_COUNTING.beforeNodeMorphed(old, fresh),
  beforeAttributeUpdated: (name, node) => name !== "open" || node.localName !== "details",
};
let asked = 0;

async function refresh() {
  const own = ++asked;
  const response = await ask(location.href);
  if (response?.status === 404) tellGone("This");
  if (!response?.ok) return;
  const text = await response.text();
  if (own !== asked) return; // a later answer says more
  const found = new DOMParser().parseFromString(text, "text/html");
  Idiomorph.morph(main, found.getElementById("main"), { callbacks });
  htmx.process(main);
  redraw();
  document.title = found.title;
  showLedTo();
}
document.addEventListener("console:changed", refresh);
