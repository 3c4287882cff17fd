// A button that was pressed by a key may be there no more when the page shows what came of it.

/** Notes what is pressed in a part of the page. Returns what moves a focus that got lost by it to `target`. */
export function followPresses(part, target) {
  let isPressed = false;
  part.addEventListener("click", (event) => (isPressed = event.detail === 0 && event.target.closest("[data-api]") !== null));
  return () => {
    if (isPressed && document.activeElement === document.body) document.querySelector(target)?.focus();
    isPressed = false;
  };
}
