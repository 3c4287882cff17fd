// The keyboard in a graph: one stop for the Tab key, and arrows from one node to the next in their direction.
import { frame } from "./zoom.js";

const AHEAD = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const ASIDE = 2; // what lies aside counts as that much farther away
const WIDEST = 3; // what lies farther aside than this many times ahead is in another direction
let last = null;

const nodes = () => [...document.querySelectorAll("#graph a[data-node]")];

function middle(node) {
  const { left, top, width, height } = node.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}

/** Leaves the Tab key one node: the one that was gone to last, else the one that is looked at, else the first. */
export function rove() {
  const all = nodes();
  const stop = all.find((each) => each.dataset.node === last) ?? all.find((each) => each.hasAttribute("aria-current")) ?? all[0];
  for (const each of all) each.setAttribute("tabindex", each === stop ? "0" : "-1");
}

function next(from, [x, y]) {
  const [left, top] = middle(from);
  let [best, least] = [null, Infinity];
  for (const each of nodes()) {
    const [dx, dy] = [middle(each)[0] - left, middle(each)[1] - top];
    const ahead = dx * x + dy * y;
    const aside = Math.abs(dx * y) + Math.abs(dy * x);
    const distance = ahead + ASIDE * aside;
    if (each !== from && ahead > 1 && aside <= WIDEST * ahead && distance < least) [best, least] = [each, distance];
  }
  return best;
}

function goTo(node) {
  last = node.dataset.node;
  rove();
  node.focus();
  node.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function startGraph() {
  document.addEventListener("keydown", (event) => {
    const from = event.target.closest("#graph a[data-node]");
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = nodes();
    const to = { Home: all[0], End: all.at(-1) }[event.key] ?? (AHEAD[event.key] && next(from, AHEAD[event.key]));
    if (!AHEAD[event.key] && !to) return;
    event.preventDefault();
    if (to) goTo(to);
  });
  frame()?.addEventListener("focusin", (event) => {
    const node = event.target.closest("a[data-node]");
    if (node && node.dataset.node !== last) {
      last = node.dataset.node;
      rove();
    }
  });
  rove();
}
