// The libraries of a Code node's context, each evaluated when it is first used: most programs need none.
(realm, libraries, luxon, jmespath, buffer, base64, ieee754) => {
  'use strict';

  const lazily = (name, make) =>
    Object.defineProperty(realm, name, {
      configurable: true,
      get() {
        const value = make();
        Object.defineProperty(realm, name, { value });
        return value;
      },
    });

  const evaluate = (library, require) => {
    const module = { exports: {} };
    library(module, module.exports, require);
    return module.exports;
  };

  let evaluated = false;
  const both = (name) => () => {
    if (!evaluated) {
      evaluated = true;
      const made = { Intl: globalThis.Intl };
      libraries(made, luxon, jmespath);
      Object.defineProperties(realm, { luxon: { value: made.luxon }, jmespath: { value: made.jmespath } });
    }
    return realm[name];
  };
  lazily('luxon', both('luxon'));
  lazily('jmespath', both('jmespath'));
  lazily('Buffer', () => {
    const parts = { 'base64-js': evaluate(base64), ieee754: evaluate(ieee754) };
    return realm.likeNodes(evaluate(buffer, (name) => parts[name]).Buffer);
  });
}
