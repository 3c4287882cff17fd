// Looks for a text in the names and values of a JSON text, without regard to case, as they are read and as they are stored.
const MOST_FOUND = 10000;
const LONG = 200; // bytes; in a longer text each place counts, as it is shown in lines
const SLICE_MS = 40;

/** In small letters and as long as before: the small letter of İ would be two. */
export const small = (text) => text.replaceAll("İ", "i").toLowerCase();
const rest = () => new Promise((done) => setTimeout(done));

/**
 * The places between two, each as where its name or value begins and the letter in it; `isAll`: there are no more.
 * From time to time it asks `isOver`, and gives up (null) when it is.
 */
export async function search(json, start, end, wanted, isOver) {
  const text = small(wanted);
  const found = [];
  const mayHave = sieve(json.bytes, text);
  let until = performance.now() + SLICE_MS;
  for (let at = start; at < end; ) {
    const byte = json.bytes[at];
    const isText = byte === 34;
    if (!isText && (byte <= 32 || "[]{},:".includes(String.fromCharCode(byte)))) {
      at += 1;
      continue;
    }
    const stop = isText ? json.endOfText(at) : json.endOfWord(at);
    for (const letter of mayHave(at, stop) ? lettersOf(json, at, stop, isText, text) : []) {
      if (found.length === MOST_FOUND) return { found, isAll: false };
      found.push([at, letter]);
    }
    at = stop;
    if (performance.now() > until) {
      await rest();
      if (isOver()) return null;
      until = performance.now() + SLICE_MS;
    }
  }
  return { found, isAll: true };
}

/** Tells which parts, one after the other, may have a text: those with one of its letters, or an escape. */
function sieve(bytes, text) {
  const letter = [...text].find((each) => each < "\x7f" && !"ki".includes(each)); // these two are small letters of others, too
  if (!letter) return () => true;
  const wanted = [...new Set([letter, letter.toUpperCase(), "\\"])].map((each) => each.charCodeAt(0));
  const next = wanted.map(() => -1);
  return (start, stop) =>
    wanted.some((byte, at) => {
      if (next[at] < start) next[at] = (bytes.indexOf(byte, start) + bytes.length + 1) % (bytes.length + 1);
      return next[at] < stop;
    });
}

function* lettersOf(json, start, stop, isText, wanted) {
  const stored = small(json.slice(start, stop));
  const text = isText && stored.includes("\\") ? small(json.read(start, stop)) : isText ? stored.slice(1, -1) : stored;
  let at = text.indexOf(wanted);
  if (at < 0 && stored.includes(wanted)) yield 0; // as with its quotes and escapes
  for (; at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    yield at;
    if (stop - start <= LONG) return;
  }
}
