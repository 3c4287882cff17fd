// After something was changed the page is asked for anew, so that it says what is; what was said of it stays.
import { toast } from "./api.js";

const KEPT = "toasts";

function reload() {
  const said = [...document.querySelectorAll(".toast:not([id])")].map((note) => [
    note.textContent,
    { problem: note.classList.contains("problem"), link: note.getAttribute("href") },
  ]);
  sessionStorage.setItem(KEPT, JSON.stringify(said));
  location.reload();
}
document.addEventListener("console:changed", () => setTimeout(reload, 400));

for (const [text, options] of JSON.parse(sessionStorage.getItem(KEPT) ?? "[]")) toast(text, options);
sessionStorage.removeItem(KEPT);
