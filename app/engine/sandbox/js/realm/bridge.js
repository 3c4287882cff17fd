// Wraps the host's one function so that neither it nor anything it could throw is ever seen by other code.
(realm, answer) => {
  'use strict';

  const { apply } = Reflect;

  realm.host = (operation, text, argument) => {
    let given;
    try {
      given = apply(answer, undefined, [`${operation}`, `${text}`, `${argument}`]);
    } catch {
      // The stack was full on the host's side; the error object is the host's and must not get out.
    }
    if (typeof given !== 'string') throw new Error(`${operation} failed`);
    return given;
  };
  realm.families = {};
  // What code of a shared context can reach besides the language itself; see harden.js.
  realm.shared = [];
}
