// Loads one item as the API has it, and cuts the lines from it that the page wants to show: beside the page, which goes
// on meanwhile.
import { search } from "./json_search.js";
import { JsonText } from "./json_text.js";
import { JsonTree, TooManyLines } from "./json_tree.js";

const TELL_MS = 200;
const MOST_COPIED = 16 * 2 ** 20; // bytes
const ITEMS = new TextEncoder().encode('"items":[');
const PLAIN = /^"[A-Za-z_$][\w$]*"$/;
let [json, tree] = [null, null];
let [found, searches] = [[], 0];

class Refused extends Error {}

/** All bytes of an answer, put together. Throws Refused where there are more than `most`. */
async function load(address, most) {
  const response = await fetch(address);
  if (response.status === 401) throw new Refused("You are signed out. Sign in in another tab, and open it again.");
  if (!response.ok) throw new Refused((await response.json().catch(() => null))?.message ?? `The server answered ${response.status}.`);
  const pieces = [];
  let [size, told] = [0, 0];
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      reader.cancel().catch(() => null);
      throw new Refused(`It has more than ${most / 2 ** 20} MiB: too much to be shown here.`);
    }
    pieces.push(value);
    if (performance.now() - told > TELL_MS) {
      told = performance.now();
      postMessage({ loaded: size });
    }
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces.splice(0)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Where the first item of the answer begins: behind what the API says of the page, which has no such list before. */
function findItem(bytes) {
  for (let at = bytes.indexOf(ITEMS[0]); at >= 0; at = bytes.indexOf(ITEMS[0], at + 1)) {
    if (ITEMS.every((byte, offset) => bytes[at + offset] === byte) && bytes[at - 1] === 44) return at + ITEMS.length;
  }
  throw new Refused("The answer could not be read.");
}

/** The item and its data are open, and nothing else. */
function showData() {
  if (!tree.root.members) tree.toggle(0);
  tree.closeWithin(0);
  for (let line = 1; line < Math.min(tree.lines, 10); line += 1) {
    const [shown] = tree.read(line, 1);
    if (shown.name !== '"json"') continue;
    if (shown.canOpen) tree.toggle(line);
    break;
  }
}

/** Names as an expression of a workflow leads to the value: the data of the item is $json there. */
function pathOf(names) {
  const [first, ...others] = names;
  const base = { '"json"': "$json", '"binary"': "$binary" }[first];
  const steps = base ? others : names;
  return (base ?? "$item") + steps.map((name) => (typeof name === "string" && PLAIN.test(name) ? `.${name.slice(1, -1)}` : `[${name}]`)).join("");
}

function copy({ line }) {
  const { start, end } = tree.at(line);
  if (end - start > MOST_COPIED) throw new Refused(`It has more than ${MOST_COPIED / 2 ** 20} MiB: too much to be copied. Download it.`);
  const text = json.kind(start) === "text" ? json.read(start, end) : json.slice(start, end);
  return { copied: new Blob([text], { type: "text/plain" }) };
}

const actions = {
  async load({ address, most, title }) {
    const bytes = await load(address, most);
    const start = findItem(bytes);
    if (bytes[start] === 93) throw new Refused("There is no such item.");
    json = new JsonText(bytes);
    tree = new JsonTree(json, start, title);
    showData();
    return { size: tree.root.end - tree.root.start };
  },
  read: ({ first, count }) => ({ first, read: tree.read(first, count) }),
  toggle: ({ line }) => void tree.toggle(line),
  openAll({ line, current }) {
    const { start } = tree.at(current);
    return { isAll: tree.openWithin(line), at: tree.reveal(start, 0) };
  },
  closeAll: showData,
  path: ({ line }) => ({ path: pathOf(tree.at(line).names) }),
  copy,
  async search({ text }) {
    const own = ++searches;
    found = [];
    const { start, end } = tree.root;
    const got = text && (await search(json, start, end, text, () => own !== searches));
    if (own !== searches) return null;
    found = got ? got.found : [];
    return { found: found.length, isAllFound: got ? got.isAll : true, text };
  },
  show({ number }) {
    if (!found[number]) return {}; // of another search
    return { shown: number, at: tree.reveal(...found[number]) };
  },
};

addEventListener("message", async ({ data }) => {
  const { action, version, id } = data;
  try {
    const answer = await actions[action](data);
    if (answer !== null) postMessage({ action, id, version, lines: tree.lines, ...answer });
  } catch (error) {
    const said = error instanceof TooManyLines ? "It has too many members to be opened here." : error instanceof Refused ? error.message : "It could not be loaded.";
    postMessage({ action, id, version, problem: said, lines: tree?.lines });
  }
});
