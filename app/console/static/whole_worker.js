// Loads one item as the API has it, and cuts the lines from it that the page wants to show: beside the page, which goes
// on meanwhile.
import { JsonTree, TooManyLines } from "./json_tree.js";

const TELL_MS = 200;
const ITEMS = new TextEncoder().encode('"items":[');
let tree = null;

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

const actions = {
  async load({ address, most, title }) {
    const bytes = await load(address, most);
    const start = findItem(bytes);
    if (bytes[start] === 93) throw new Refused("There is no such item.");
    tree = new JsonTree(bytes, start, bytes.length, title);
    tree.toggle(0);
    for (let line = 1; line < Math.min(tree.lines, 10); line += 1) {
      const [shown] = tree.read(line, 1);
      if (shown.name !== '"json"') continue;
      if (shown.canOpen) tree.toggle(line);
      break;
    }
    return { size: bytes.length };
  },
  read: ({ first, count }) => ({ first, read: tree.read(first, count) }),
  toggle: ({ line }) => tree.toggle(line),
};

addEventListener("message", async ({ data }) => {
  try {
    const answer = await actions[data.action](data);
    postMessage({ ...answer, lines: tree.lines, version: data.version });
  } catch (error) {
    const said = error instanceof TooManyLines ? "It has too many members to be opened here." : error instanceof Refused ? error.message : "It could not be loaded.";
    postMessage({ problem: said, isLoad: data.action === "load" });
  }
});
