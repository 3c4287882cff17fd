// How many ended when: bars above the list; a stretch that is dragged over becomes the list's time.
import { ask } from "./api.js";

const place = document.getElementById("histogram");
const form = document.getElementById("filters");
const ORDER = ["success", "canceled", "crashed", "error"];
const COLOURS = { success: "--good", canceled: "--idle", crashed: "--wait", error: "--bad" };
const HEIGHT = 88;
const SOON_MS = 3000;
let plot = null;
let shown = "";
let soon = 0;

/** A colour of the page's properties as a canvas takes it: light-dark() is resolved by an element that has it. */
function resolved(name) {
  place.style.color = `var(${name})`;
  const found = getComputedStyle(place).color;
  place.style.color = "";
  return found;
}

const two = (number) => String(number).padStart(2, "0");

/** Days where a bar is a day or more, else hours and minutes, with the day at midnight; the browser's time. */
function written(seconds, times) {
  return times.map((time) => {
    const moment = new Date(time * 1000);
    const day = `${moment.getDate()} ${moment.toLocaleString("en", { month: "short" })}`;
    const midnight = moment.getHours() + moment.getMinutes() === 0;
    return seconds >= 86400 || midnight ? day : `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  });
}

/** Each status on top of those before it; the highest is drawn first, so that all of them are seen. */
function stacked(found) {
  const statuses = ORDER.filter((status) => status in found.series);
  const sum = found.times.map(() => 0);
  const rows = statuses.map((status) => {
    found.series[status].forEach((count, at) => (sum[at] += count));
    return [status, [...sum]];
  });
  return rows.reverse();
}

function draw(found) {
  const rows = stacked(found);
  const bars = uPlot.paths.bars({ size: [0.8, 40], align: 1 });
  const axis = { stroke: resolved("--soft"), grid: { show: false }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    padding: [6, 22, 0, 4],
    scales: { x: { time: true, range: [found.times[0], found.times.at(-1) + found.seconds] }, y: { range: (_, low, high) => [0, Math.max(high, 1)] } },
    axes: [
      { ...axis, size: 22, space: 70, values: (_, times) => written(found.seconds, times) },
      { ...axis, size: 36, space: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] },
    ],
    series: [{}, ...rows.map(([status]) => ({ fill: resolved(COLOURS[status]), width: 0, paths: bars, points: { show: false } }))],
    hooks: { setSelect: [selected] },
  };
  plot?.destroy();
  plot = new uPlot(options, [found.times, ...rows.map(([, counts]) => counts)], place);
  const told = Object.entries(found.total).filter(([, count]) => count).map(([status, count]) => `${count} ${status}`);
  place.setAttribute("aria-label", `Ended since ${since(found)}: ${told.join(", ") || "none"}`);
  document.getElementById("histogram-note").textContent = saidOf(found);
}

const saidOf = (found) => (found.sample ? `Of the newest ${found.sample} that match` : `Ended since ${since(found)}`);

function since(found) {
  return `${new Date(found.times[0] * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Counts on the buttons of the statuses: what has ended in the span that is shown, and what is in flight now. */
function tell(found) {
  const counts = { ...found.total, ...found.inFlight };
  const ended = saidOf(found) + (found.counted && !found.sample ? ", deleted ones as well" : "");
  for (const field of form.querySelectorAll('[name="status"]')) {
    const count = counts[field.value] || 0;
    const isMore = field.value in found.inFlight && count > found.inFlightUpTo;
    field.parentElement.title = field.value in found.inFlight ? "" : ended;
    field.parentElement.querySelector("b").textContent = isMore ? `${found.inFlightUpTo.toLocaleString("en")}+` : count ? count.toLocaleString("en") : "";
  }
}

function selected(drawn) {
  const { left, width } = drawn.select;
  if (width < 4) return;
  const moment = (x) => new Date(drawn.posToVal(x, "x") * 1000).toISOString().slice(0, 19);
  form.elements.startedAfter.value = moment(left);
  form.elements.startedBefore.value = moment(left + width);
  form.elements.range.value = "";
  drawn.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

async function follow() {
  clearTimeout(soon);
  soon = 0;
  if (document.hidden) return;
  const state = document.getElementById("newer").dataset.state;
  const response = await ask(`${place.dataset.from}?${state}`);
  if (!response?.ok) return;
  const text = await response.text();
  if (text === shown && plot) return;
  shown = text;
  const found = JSON.parse(text);
  draw(found);
  tell(found);
}

let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => plot?.setSize({ width: place.clientWidth, height: HEIGHT }), 100);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && draw(JSON.parse(shown)));
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target?.id === "results") follow();
  if (detail.target?.id === "newer") soon ||= setTimeout(follow, SOON_MS); // something has begun or ended
});
document.addEventListener("visibilitychange", follow);
setInterval(follow, 15000);
follow();
