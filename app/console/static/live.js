// Told by events what happens, and asking every few seconds where there are none. A hidden tab does neither.
const POLL_MS = 3000;
const GATHER_MS = 300;
const AGAIN_MS = 2000;
const LATEST_MS = 60000;

/** For Idiomorph: what counts on by itself is not set back to what the server writes there at first. */
export const KEEP_COUNTING = { beforeNodeMorphed: (old, fresh) => !old.dataset?.since || old.dataset.since !== fresh.dataset?.since };

/** Calls `look` whenever something may have changed; `address` gives that of the events to listen to. */
export function watch(address, look) {
  let source = null;
  let told = false;
  let due = 0;
  let again = 0;
  let failed = 0;
  let over = false;

  const soon = () => {
    clearTimeout(due);
    due = setTimeout(look, GATHER_MS);
  };

  function close() {
    clearTimeout(again);
    source?.close();
    source = null;
    told = false;
  }

  function open() {
    close();
    if (document.hidden || over) return;
    source = new EventSource(address());
    source.addEventListener("ready", () => {
      told = true;
      failed = 0;
      soon(); // what happened since the stream broke off is read, and need not be told
    });
    source.addEventListener("execution", soon);
    source.addEventListener("reload", soon);
    source.addEventListener("error", lost);
  }

  /** The browser connects again by itself, but not where it was refused: then later and later, and not all at once. */
  function lost() {
    told = false;
    if (source?.readyState !== EventSource.CLOSED) return;
    const pause = Math.min(AGAIN_MS * 2 ** failed, LATEST_MS);
    failed += 1;
    clearTimeout(again);
    again = setTimeout(open, pause * (0.5 + Math.random() / 2));
  }

  document.addEventListener("visibilitychange", () => {
    open();
    if (!document.hidden && !over) look();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  const asking = setInterval(() => told || document.hidden || look(), POLL_MS);
  open();

  function stop() {
    over = true;
    clearInterval(asking);
    close();
  }
  return { reopen: open, stop };
}
