// Puts a text where the reader can paste it from.

/**
 * Copies a text, a Blob, or what is a promise of either; `within` is the dialog that is open, if any. Throws where the
 * browser lets no page copy.
 */
export async function copy(wanted, within = document.body) {
  if (navigator.clipboard?.write && globalThis.ClipboardItem) {
    const blob = Promise.resolve(wanted).then((text) => (text instanceof Blob ? text : new Blob([text], { type: "text/plain" })));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    return;
  }
  const given = await wanted; // a console on a plain address elsewhere has no clipboard
  const field = document.createElement("textarea");
  field.value = given instanceof Blob ? await given.text() : given;
  field.className = "sr";
  const before = document.activeElement;
  within.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  before?.focus({ preventScroll: true });
  if (!isCopied) throw new Error("The browser lets no page copy");
}
