// The host's answers within one request, whose items often ask for the same text.
'use strict';

/** So many answers of the host are kept within one request, and of texts no longer than that. */
const [KNOWN_TEXTS, KNOWN_LENGTH] = [1000, 200];
/** Once so many more texts were new than known, the rest of the request is not looked up. */
const PATIENCE = 50;

class KnownAnswers {
  #ask;
  #known = new Map();
  #patience = PATIENCE;

  constructor(ask) {
    this.#ask = ask;
  }

  answer(operation, text, argument) {
    if (this.#patience < 0 || text.length + argument.length > KNOWN_LENGTH) return this.#ask(operation, text, argument);
    const key = `${operation} ${argument.length} ${argument}${text}`;
    let given = this.#known.get(key);
    if (given !== undefined) {
      this.#patience += 1;
    } else {
      this.#patience -= 1;
      given = this.#ask(operation, text, argument);
      if (this.#known.size < KNOWN_TEXTS) this.#known.set(key, given);
    }
    return given;
  }

  /** At the end of a request: the next one must not tell by the time of an answer what this one has asked. */
  forget() {
    if (this.#known.size > 0) this.#known.clear();
    this.#patience = PATIENCE;
  }
}

module.exports = { KnownAnswers };
