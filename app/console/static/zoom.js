// The size of a graph: as large as fits, or as somebody wants it.
const MAX_HEIGHT = 410; // of the frame; execution.css has it, and what is below, for the time before this runs
const MIN_SCALE = 0.6;
const MIN_SCALE_ON_A_PHONE = 0.8;
let zoom = null;

export const frame = () => document.getElementById("graph-frame");
const graph = () => document.getElementById("graph");

function fitting() {
  const { width, height } = graph().dataset;
  const room = frame().getBoundingClientRect();
  const smallest = room.width < 500 ? MIN_SCALE_ON_A_PHONE : MIN_SCALE;
  return Math.min(1, Math.max(smallest, Math.min((room.width - 8) / width, MAX_HEIGHT / height)));
}

/** Draws the graph at the size that was chosen last. */
export function redraw() {
  const drawn = graph();
  if (!drawn) return;
  const used = zoom ?? fitting();
  drawn.setAttribute("width", drawn.dataset.width * used);
  drawn.setAttribute("height", drawn.dataset.height * used);
  drawn.dataset.drawn = "";
}

export function startZoom() {
  document.addEventListener("click", (event) => {
    const step = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (!step) return;
    zoom = step === "fit" ? null : Math.min(2, Math.max(0.3, (zoom ?? fitting()) * step));
    redraw();
  });
  addEventListener("resize", () => zoom === null && redraw());
  redraw();
}
