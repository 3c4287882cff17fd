// Where the rows of a long list stand: those that were measured as high as they are, all others as estimated.
const BLOCK = 64;

export class Heights {
  #estimate;
  #more = null; // of each row, by how much it is higher than estimated
  #sums = null; // of blocks of rows, as a Fenwick tree

  constructor(count, estimate) {
    this.count = count;
    this.#estimate = estimate;
  }

  get total() {
    return this.top(this.count);
  }

  of(index) {
    return this.#estimate + (this.#more?.[index] ?? 0);
  }

  /** Where a row begins. */
  top(index) {
    let sum = index * this.#estimate;
    if (!this.#more) return sum;
    const block = Math.floor(index / BLOCK);
    for (let at = block; at > 0; at -= at & -at) sum += this.#sums[at];
    for (let each = block * BLOCK; each < index; each += 1) sum += this.#more[each];
    return sum;
  }

  /** The row at a height; the first or last one where there is none. */
  at(height) {
    let [low, high] = [0, this.count - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.top(middle) <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Notes how high a row is. Says whether that is new. */
  set(index, height) {
    const change = Math.fround(height - this.#estimate) - (this.#more?.[index] ?? 0);
    if (Math.abs(change) < 0.5) return false;
    if (!this.#more) this.#makeRoom(this.count);
    this.#more[index] += change;
    for (let at = Math.floor(index / BLOCK) + 1; at < this.#sums.length; at += at & -at) this.#sums[at] += change;
    return true;
  }

  /** There are more or fewer rows at the end now. */
  resize(count) {
    for (let index = count; this.#more && index < this.count; index += 1) this.set(index, this.#estimate);
    this.count = count;
    if (this.#more && count > this.#more.length) this.#makeRoom(2 * count);
  }

  #makeRoom(count) {
    const before = this.#more ?? [];
    this.#more = new Float32Array(count);
    this.#sums = new Float64Array(Math.ceil(count / BLOCK) + 1);
    before.forEach((more, index) => more && this.set(index, this.#estimate + more));
  }
}
