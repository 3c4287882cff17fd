// Told by events what happens, and asking every few seconds where there are none. A hidden tab does neither.
const POLL_MS = 3000;
const GATHER_MS = 300;

/** Calls `look` whenever something may have changed; `address` gives that of the events to listen to. */
export function watch(address, look) {
  let source = null;
  let told = false;
  let due = 0;
  let over = false;

  const soon = () => {
    clearTimeout(due);
    due = setTimeout(look, GATHER_MS);
  };

  function close() {
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
      soon();
    });
    source.addEventListener("execution", soon);
    source.addEventListener("reload", soon);
    source.addEventListener("error", () => (told = false));
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
