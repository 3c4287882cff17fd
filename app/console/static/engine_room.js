// The engine room as it is by now; a hidden tab asks for nothing.
import { isTrouble, setClock, tellSignedIn, tellSignedOut, tellUnreachable } from "./api.js";

const POLL_MS = 5000;

async function follow() {
  if (document.hidden) return;
  const response = await fetch(location.pathname).catch(() => null);
  if (!response) tellUnreachable();
  else if (isTrouble(response.status)) tellUnreachable(response.status);
  else if (response.redirected) tellSignedOut();
  if (!response?.ok || response.redirected) return;
  tellSignedIn();
  setClock(response.headers.get("Date"));
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("engine");
  if (fresh) Idiomorph.morph(document.getElementById("engine"), fresh);
}
setInterval(follow, POLL_MS);
document.addEventListener("visibilitychange", follow);
