// The schema of all items: what the server says of some of them is put together.
import { ask } from "./api.js";

const AT_ONCE = 10000; // items that are looked into before somebody has to ask for more
const MOST_FIELDS = 300;

const nameOf = (row) => JSON.stringify(JSON.parse(row.dataset.field));

export class SchemaOfAll {
  #fields = new Map();

  constructor(part) {
    this.part = part;
    this.next = part.dataset.next === "" ? null : Number(part.dataset.next);
    this.body = part.querySelector("tbody");
    for (const row of this.body.rows) this.#fields.set(nameOf(row), row);
    part.querySelector(".pager")?.remove();
    this.note = document.createElement("p");
    this.note.className = "hint";
    part.append(this.note);
    part.id = `schema-of-${part.dataset.place}`;
    this.#readOn();
  }

  async #readOn() {
    const stop = (this.next ?? 0) + AT_ONCE;
    while (this.next !== null && this.next < stop && this.part.isConnected) {
      this.#say("reading on …");
      const response = await ask(`${this.part.dataset.place}&offset=${this.next}`);
      const text = response?.ok ? await response.text().catch(() => "") : "";
      const got = new DOMParser().parseFromString(text, "text/html").querySelector(".list");
      if (!got) break;
      this.next = got.dataset.next === "" ? null : Number(got.dataset.next);
      for (const row of got.querySelectorAll("[data-field]")) this.#add(row);
    }
    if (this.part.isConnected) this.#say("", this.next !== null);
  }

  #add(row) {
    const name = nameOf(row);
    const known = this.#fields.get(name);
    if (known) {
      const [mine, other] = [known, row].map((each) => each.cells[1].firstElementChild);
      const kinds = new Set([...mine.textContent.split(" or "), ...other.textContent.split(" or ")]);
      mine.textContent = [...kinds].join(" or ");
      if (!known.cells[2].textContent) known.cells[2].textContent = row.cells[2].textContent;
    } else if (this.#fields.size < MOST_FIELDS) {
      this.#fields.set(name, row);
      this.body.insertBefore(row, this.#behind(JSON.parse(name).slice(0, -1)));
    }
  }

  /** The row before which another field within `place` is put: behind the last one that is there. */
  #behind(place) {
    let row = this.#fields.get(JSON.stringify(place));
    if (!row) return null;
    do row = row.nextElementSibling;
    while (row && JSON.parse(row.dataset.field).length > place.length);
    return row;
  }

  #say(text, isMore = false) {
    const total = Number(this.part.dataset.total);
    const looked = (this.next ?? total).toLocaleString("en");
    this.note.textContent = `Of ${this.next === null ? "all" : `the first ${looked} of`} ${total.toLocaleString("en")} ${total === 1 ? "item" : "items"}${text && `, ${text}`}`;
    if (!isMore) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Read on";
    button.addEventListener("click", () => this.#readOn());
    this.note.append(" ", button);
  }
}
