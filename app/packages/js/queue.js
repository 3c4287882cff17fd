// A queue that takes and gives in the same time however long it is, and that nothing of a package's reaches.
'use strict';

/** First in, first out. */
class Queue {
  #first;
  #last;

  add(value) {
    const entry = { __proto__: null, value, next: undefined };
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
  }

  /** The oldest value, which is gone from then on; undefined where there is none. */
  take() {
    const entry = this.#first;
    if (!entry) return undefined;
    this.#first = entry.next;
    if (!this.#first) this.#last = undefined;
    return entry.value;
  }

  clear() {
    this.#first = this.#last = undefined;
  }
}

module.exports = { Queue };
