// What nodes were given and gave: of each output one list over all items, as a table or as JSON, or a schema of them.
// Where this is not there, the pages that the server makes of it stay.
import { ItemList } from "./item_list.js";
import { keep, recall } from "./places.js";
import { SchemaOfAll } from "./schema.js";

/** The name of a list, however one looks at it. */
const nameOf = (place) => place.replace(/&?view=\w+/, "").replace(/&offset=0$/, "");

/** A search that was written before the page was made anew is made again. */
function restoreSearch(pane, part) {
  const field = pane.querySelector("[name=search]");
  const wanted = recall("searches", nameOf(part.dataset.place)) ?? "";
  if (!field || field.value.trim() === wanted.trim()) return false;
  field.value = wanted;
  if (!field.matches(".htmx-request")) htmx.trigger(field, "search");
  return true;
}

function upgrade(root) {
  for (const part of root.querySelectorAll(".items > .list")) {
    const isPlain = !part.querySelector("[data-item]") && !(part.dataset.search && part.dataset.next);
    if (restoreSearch(part.parentElement, part)) continue;
    if (part.dataset.view === "schema" && !part.dataset.search && part.querySelector("[data-field]")) new SchemaOfAll(part);
    else if (!isPlain) new ItemList(part);
  }
}

const panel = document.getElementById("node");
panel.addEventListener("input", (event) => {
  const place = event.target.matches("[name=search]") && event.target.getAttribute("hx-get");
  if (place) keep("searches", nameOf(place), event.target.value.trim() || null);
});

document.addEventListener("htmx:configRequest", ({ detail }) => {
  // It may have waited until another view or output was there: it is of that one that it asks.
  if (detail.elt.matches("#node [name=search]")) {
    detail.path = detail.elt.getAttribute("hx-get");
    detail.parameters.search = recall("searches", nameOf(detail.path)) ?? "";
  }
});

document.addEventListener("htmx:afterSettle", (event) => event.detail.target.closest("#node") && upgrade(panel));
document.addEventListener("DOMContentLoaded", () => upgrade(panel)); // when htmx is there
