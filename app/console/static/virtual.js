// A list of which only the rows in sight, and some around, stand in the page. When rows turn out to be higher than they
// were thought to be, what one looks at stays where it is.
import { Heights } from "./heights.js";

const TALLEST = 8000000; // px; beyond some 17 million browsers draw nothing: there a step of the scroll bar is longer
const EDGE = 20000; // px at either end of such a list where it is not
const PUSH_MS = 300; // who has turned the wheel since goes on from where they are, however far; else the bar was dragged
const AROUND = 400; // px
const FAR = 3; // views: nobody gets that far between two frames but by a jump, or by dragging the bar
const PASSES = 5;
const CELLS = 240; // that are drawn before it is measured whether more are needed; what is not in sight can wait for a frame
const DRAWS = 50; // passes that draw, at most

export class VirtualList {
  #rows = new Map();
  #unmeasured = new Set();
  #stale = new Set(); // rows to be drawn anew, as far as they stay in the page
  #goal = null; // what shall stay in sight until somebody scrolls
  #later = 0;
  #shift = 0; // what is passed over in a list that is taller than TALLEST
  #last = 0;
  #pushed = -Infinity;
  #width = 0;
  #current = 0; // the row that the Tab key comes to

  /**
   * `scroller` has the scroll bar, and `canvas` in it the rows, which `draw(index)` makes. A row that is to be filled
   * later has `aria-busy`. `see(first, last)` is told which rows are drawn, and which of them is the topmost in sight.
   */
  constructor({ scroller, canvas, count, height, draw, see }) {
    Object.assign(this, { scroller, canvas, draw, see, height });
    this.heights = new Heights(count, height);
    this.#width = scroller.clientWidth;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const kind of ["wheel", "touchmove", "pointerdown"]) scroller.addEventListener(kind, () => (this.#goal = null), { passive: true });
    for (const kind of ["wheel", "touchmove", "keydown"]) scroller.addEventListener(kind, () => (this.#pushed = performance.now()), { passive: true });
    scroller.addEventListener("pointerdown", () => (this.#pushed = -Infinity), { passive: true });
    scroller.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("focusin", (event) => this.#takeFocus(event.target));
    this.observer = new ResizeObserver((entries) => this.#resized(entries));
    this.observer.observe(scroller);
  }

  get #view() {
    return Math.max(1, this.scroller.clientHeight - this.canvas.offsetTop);
  }

  get #top() {
    return this.scroller.scrollTop + this.#shift;
  }

  /** The topmost row in sight, and how far it is from the top. */
  get position() {
    const index = this.heights.at(this.#top + 1);
    return { index, offset: this.heights.top(index) - this.#top };
  }

  /** Shows a row that far from the top, or at the end of what is in sight. */
  goTo(index, offset = 0) {
    this.#goal = { index: Math.max(0, Math.min(index, this.heights.count - 1)), offset };
    this.layout();
  }

  /** Brings a row into sight, and the focus to it. */
  focus(index) {
    const wanted = Math.max(0, Math.min(index, this.heights.count - 1));
    const [begin, height] = [this.heights.top(wanted) - this.#top, this.heights.of(wanted)];
    if (begin < 0 || height > this.#view) this.goTo(wanted);
    else if (begin + height > this.#view) this.goTo(wanted, "end");
    else this.#goal = null;
    this.#rows.get(wanted)?.focus({ preventScroll: true });
  }

  /** There are more or fewer rows at the end now. */
  resize(count) {
    for (const index of [...this.#rows.keys()]) if (index >= count) this.#remove(index);
    this.heights.resize(count);
    this.layout();
  }

  /** Draws rows anew whose content has changed. */
  redraw(isChanged = () => true) {
    for (const index of this.#rows.keys()) if (isChanged(index)) this.#stale.add(index);
    this.layout();
  }

  /** Puts what is in sight into the page, and takes out what is not. */
  layout() {
    if (!this.scroller.isConnected || !this.heights.count) return;
    let [first, last, lacking] = [0, 0, []];
    for (let [pass, draws, cells] = [0, 0, 0]; pass < PASSES && draws < DRAWS; draws += 1) {
      const anchor = this.#anchor();
      this.#moveTo(this.heights.top(anchor.index) - anchor.offset);
      const [top, view] = [this.#top, this.#view];
      [first, last] = [this.heights.at(top - AROUND), this.heights.at(top + view + AROUND)];
      lacking = this.#lacking(first, last, this.heights.at(top), this.heights.at(top + view));
      cells += this.#draw(lacking, CELLS - cells);
      const isChanged = this.#measure();
      this.#moveTo(this.heights.top(anchor.index) - anchor.offset);
      for (const [index, row] of this.#rows) row.style.transform = `translateY(${this.heights.top(index) - this.#shift}px)`;
      if (lacking[0]?.isSeen) continue;
      if (!isChanged) break;
      pass += 1;
    }
    if (lacking.length) this.#drawLater();
    this.#offerToTab();
    this.see(first, last, this.position.index);
  }

  #drawLater() {
    this.#later ||= requestAnimationFrame(() => {
      this.#later = 0;
      this.layout();
    });
  }

  /** What is to stay where it is: a row that has its content, as one that waits for it may grow. */
  #anchor() {
    if (this.#goal) {
      const { index, offset } = this.#goal;
      return { index, offset: offset === "end" ? this.#view - this.heights.of(index) : offset };
    }
    const top = this.#top;
    const last = this.heights.at(top + this.#view);
    let index = this.heights.at(top);
    while (index < last && top > 0 && this.#waits(index)) index += 1;
    if (this.#waits(index)) index = this.heights.at(top);
    return { index, offset: this.heights.top(index) - top };
  }

  #waits(index) {
    return this.#rows.get(index)?.ariaBusy && !this.#stale.has(index);
  }

  #moveTo(wanted) {
    const [total, view] = [this.heights.total, this.#view];
    const height = Math.min(total, TALLEST);
    this.canvas.style.height = `${height}px`;
    const farthest = Math.max(0, total - view);
    const top = Math.min(Math.max(0, wanted), farthest);
    const place = top - this.#shift;
    const isFar = Math.abs(top - this.#top) > FAR * view; // somebody jumps there: the scroll bar shows how far that is
    if (total <= TALLEST) this.#shift = 0;
    else if (isFar || place < view || place > height - 2 * view) this.#shift = this.#shiftAt(top, farthest, height - view);
    if (Math.abs(this.scroller.scrollTop + this.#shift - top) >= 1) this.scroller.scrollTop = top - this.#shift;
    this.#last = this.scroller.scrollTop;
  }

  /** What is passed over at a place of a list that is too tall: nothing at either end, so that one gets there. */
  #shiftAt(top, farthest, room) {
    if (top <= EDGE) return 0;
    return top >= farthest - EDGE ? farthest - room : top - (room * top) / farthest;
  }

  #scrolled() {
    const now = this.scroller.scrollTop;
    const moved = Math.abs(now - this.#last);
    const [total, view] = [this.heights.total, this.#view];
    if (moved >= 1) this.#goal = now >= Math.min(total, TALLEST) - view - 1 ? { index: this.heights.count - 1, offset: "end" } : null;
    const isDragged = moved > FAR * view && performance.now() - this.#pushed > PUSH_MS;
    if (total > TALLEST && isDragged) this.#shift = (now / (TALLEST - view)) * (total - view) - now;
    this.#last = now;
    this.layout();
  }

  /** Takes out rows that are too far away. Says which are to be drawn, first those in sight. */
  #lacking(first, last, begin, end) {
    for (const [index, row] of [...this.#rows]) {
      if ((index < first || index > last) && !row.contains(document.activeElement)) this.#remove(index);
    }
    const wanted = new Set(this.#stale); // one that is far away and has the focus, too
    for (let index = first; index <= last; index += 1) if (!this.#rows.has(index)) wanted.add(index);
    const lacking = [...wanted].map((index) => ({ index, isSeen: index >= begin && index <= end }));
    return lacking.sort((one, other) => other.isSeen - one.isSeen || one.index - other.index);
  }

  /** Draws rows and takes them from the list: so many cells, and some more where rows in sight are lacking. */
  #draw(lacking, room) {
    let cells = 0;
    while (lacking.length && cells < (lacking[0].isSeen ? CELLS : room)) cells += this.#put(lacking.shift().index).childElementCount;
    return cells;
  }

  /** Draws a row in its place among the others, or anew. */
  #put(index) {
    const before = this.#rows.get(index);
    const row = this.#make(index);
    if (before) {
      const isFocused = before.contains(document.activeElement);
      this.observer.unobserve(before);
      before.replaceWith(row);
      if (isFocused) row.focus({ preventScroll: true });
      return row;
    }
    let next = null;
    for (const [other, there] of this.#rows) if (other > index && (!next || other < Number(next.dataset.index))) next = there;
    this.canvas.insertBefore(row, next);
    return row;
  }

  #make(index) {
    const row = this.draw(index);
    row.dataset.index = index;
    row.classList.add("virtual-row");
    row.tabIndex = index === this.#current ? 0 : -1;
    this.#rows.set(index, row);
    this.#unmeasured.add(index);
    this.#stale.delete(index);
    this.observer.observe(row);
    return row;
  }

  #remove(index) {
    const row = this.#rows.get(index);
    this.observer.unobserve(row);
    this.#rows.delete(index);
    this.#unmeasured.delete(index);
    this.#stale.delete(index);
    row.remove();
  }

  #measure() {
    const found = [...this.#unmeasured].map((index) => [index, this.#rows.get(index).getBoundingClientRect().height]);
    this.#unmeasured.clear();
    let isChanged = false;
    for (const [index, height] of found) isChanged = (height > 0 && this.heights.set(index, height)) || isChanged;
    return isChanged;
  }

  /** Rows that have grown by themselves, as by an image that has come; with another width all may have. */
  #resized(entries) {
    if (!this.scroller.isConnected) {
      this.observer.disconnect();
      return;
    }
    const width = this.scroller.clientWidth;
    const changed = entries.filter(({ target, borderBoxSize }) => target.isConnected && target !== this.scroller && Math.abs(borderBoxSize[0].blockSize - this.heights.of(Number(target.dataset.index))) >= 0.5);
    const isOther = Math.abs(width - this.#width) > 1;
    if (!changed.length && !isOther && !entries.some(({ target }) => target === this.scroller)) return;
    this.#width = width;
    requestAnimationFrame(() => {
      if (isOther) {
        const { index, offset } = this.position;
        this.heights = new Heights(this.heights.count, this.height);
        this.#goal ??= { index, offset };
      }
      for (const [index] of this.#rows) this.#unmeasured.add(index);
      this.layout();
    });
  }

  #takeFocus(target) {
    const row = target.closest(".virtual-row");
    if (row) this.#offerToTab(Number(row.dataset.index));
  }

  /** One row is a stop of the Tab key: the one that has the focus, else the topmost in sight. */
  #offerToTab(focused = null) {
    if (focused === null && this.canvas.contains(document.activeElement)) return;
    const before = this.#rows.get(this.#current);
    this.#current = focused ?? this.heights.at(this.#top + 1);
    if (before) before.tabIndex = -1;
    const row = this.#rows.get(this.#current);
    if (row) row.tabIndex = 0;
  }

  #press(event) {
    if (!event.target.matches(".virtual-row") || event.altKey || event.metaKey || event.shiftKey) return;
    const at = Number(event.target.dataset.index);
    const [begin, end, view] = [this.heights.top(at), this.heights.top(at + 1), this.#view];
    const isCut = { ArrowDown: end > this.#top + view + 1, PageDown: end > this.#top + view + 1, ArrowUp: begin < this.#top - 1, PageUp: begin < this.#top - 1 };
    if (isCut[event.key] && end - begin > view) {
      this.#goal = null;
      return; // the browser scrolls within what is higher than the view
    }
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: Math.max(at + 1, this.heights.at(begin + view)),
      PageUp: Math.min(at - 1, this.heights.at(end - view)),
      Home: 0,
      End: this.heights.count - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.focus(to);
  }
}
