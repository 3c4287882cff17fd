// Items as the server sends them, a page at a time, made into rows of a list.

const TURNING = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]|\ud802|\ud803|\ud83a|\ud83b/;
const MEMBER = /^(\s*)("(?:[^"\\]|\\.)*")(: )(.*)$/;

/** A page of items: what each is, by number, and what the server says of the page. */
export function readPart(html) {
  const part = new DOMParser().parseFromString(html, "text/html").querySelector(".list");
  return part && readList(part);
}

export function readList(part) {
  const { next, total, search } = part.dataset;
  const refused = part.querySelector(".problem");
  const columns = [...part.querySelectorAll(".data th")].slice(1).map((th) => th.dataset.name ?? th.textContent);
  const items = [...part.querySelectorAll("pre[data-item], tr[data-item], .problem[data-item]")].map(readItem);
  for (const item of items) item.files = [...part.querySelectorAll(`.files [data-of="${item.number}"]`)];
  if (items.length === 1 && part.querySelector(".cut")) items[0].isCut = true;
  return {
    items,
    columns,
    leftOut: Number(part.querySelector(".left-out")?.dataset.count ?? 0),
    total: Number(total),
    next: next === "" ? null : Number(next),
    search,
    note: part.querySelector(".halves")?.textContent,
    problem: refused && !refused.dataset.item ? refused.textContent : null,
  };
}

function readItem(element) {
  const item = { number: Number(element.dataset.item), size: element.textContent.length, isCut: "cut" in element.dataset };
  if (element.localName === "tr") item.cells = [...element.cells].slice(1).map((cell) => cell.firstElementChild);
  else if (element.localName === "pre") item.text = element.lastChild.data;
  else Object.assign(item, { problem: element.firstChild.data, isCut: true });
  return item;
}

function make(kind, role, className = "") {
  const element = document.createElement(kind);
  if (role) element.setAttribute("role", role);
  element.className = className;
  return element;
}

function opener(item, text, className) {
  const button = make("button", null, className);
  button.type = "button";
  button.tabIndex = -1; // of the row Enter does the same
  button.dataset.whole = item.number;
  button.textContent = text;
  button.title = `All of item ${item.number}`;
  return button;
}

function addMore(row, item) {
  if (item.isCut) row.append(opener(item, item.problem ? "Show all of it" : "Cut here: show all of it", "quiet more"));
  if (!item.files.length) return;
  const list = make("ul", null, "files");
  list.append(...item.files);
  row.append(list);
}

/** A row of the table; `columns` are all names so far, `own` those of the page that the item came with. */
export function tableRow(item, index, columns, own) {
  const row = make("div", "row", "data-row");
  row.ariaRowIndex = String(index + 2);
  const first = make("div", "rowheader", "nr");
  first.append(opener(item, item.number.toLocaleString("en"), "quiet"));
  row.append(first);
  const cells = new Map((item.cells ?? []).map((value, at) => [own[at], value]));
  for (const name of columns) {
    const cell = make("div", "gridcell");
    if (cells.get(name)) cell.append(cells.get(name));
    row.append(cell);
  }
  if (item.problem || item.isCut || item.files.length) {
    const beside = make("div", "gridcell", "beside");
    if (item.problem) beside.append(item.problem);
    addMore(beside, item);
    row.append(beside);
  }
  return row;
}

/** The text; where letters in it go from right to left, these turn nothing but the name or the value that has them. */
function linesOf(text) {
  if (!TURNING.test(text)) return [text];
  return text.split("\n").flatMap((line, at) => {
    const [, space, name, between, value] = MEMBER.exec(line) ?? [];
    const parts = name ? [space, apart(name), between, apart(value)] : [apart(line)];
    return at ? ["\n", ...parts] : parts;
  });
}

function apart(text) {
  const element = make("bdi");
  element.dir = "ltr";
  element.textContent = text;
  return element;
}

/** An item as JSON. */
export function jsonRow(item, index, total) {
  const row = make("article", null, "json-row");
  row.ariaPosInSet = String(index + 1);
  row.ariaSetSize = String(total);
  row.ariaLabel = `Item ${item.number}`;
  row.append(opener(item, item.number.toLocaleString("en"), "quiet nr"));
  const text = make("pre");
  text.append(...linesOf(item.problem ?? item.text));
  row.append(text);
  addMore(row, item);
  return row;
}

/** What stands where an item will. */
export function waitingRow(view, index, total, text) {
  const row = make(view === "json" ? "article" : "div", view === "json" ? null : "row", view === "json" ? "json-row" : "data-row");
  row.ariaBusy = "true";
  if (view === "json") Object.assign(row, { ariaPosInSet: String(index + 1), ariaSetSize: String(total), ariaLabel: text });
  else row.ariaRowIndex = String(index + 2);
  const cell = make("div", view === "json" ? null : "gridcell", "waiting hint");
  cell.textContent = text;
  row.append(cell);
  return row;
}
