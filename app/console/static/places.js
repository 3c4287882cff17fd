// Where one was in which list, and what was searched for there: known to the page, and when one comes back to it.
const MOST = 30; // lists that are remembered
const SAVE_MS = 250;
const kept = history.state?.lists ?? { places: {}, searches: {} };
let due = 0;

/** Keeps a value under a name in one of the two; null forgets it. What was kept longest ago is forgotten first. */
export function keep(what, name, value) {
  delete kept[what][name];
  if (value !== null) kept[what][name] = value;
  const names = Object.keys(kept[what]);
  if (names.length > MOST) delete kept[what][names[0]];
  clearTimeout(due);
  due = setTimeout(save, SAVE_MS);
}

export const recall = (what, name) => (Object.hasOwn(kept[what], name) ? kept[what][name] : null);

function save() {
  clearTimeout(due);
  history.replaceState({ ...history.state, lists: kept }, "");
}
addEventListener("pagehide", save);
