// What n8n cannot take out of the process in which it evaluates expressions: functions, symbols, iterators and the like.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;
  const { DateTime, Duration, Interval } = realm.luxon;
  const tagOf = Object.prototype.toString;
  const uncloneable = [WeakMap, WeakSet, ...Object.getOwnPropertyNames(Intl).map((name) => Intl[name])].filter(
    (type) => typeof type === 'function' && type.prototype,
  );

  const failed = (message) => new ExpressionError(`Expression evaluation failed: ${message}`);
  const refuse = (text) => {
    throw failed(`${text} could not be cloned.`);
  };

  /** What a function is called in that message; `source` is what an arrow function was written as. */
  const nameOf = (value, source) => {
    const text = source ?? `${value}`;
    return /^(?:async )?function\b/.test(text) && !text.includes('[native code]') ? 'function () { [native code] }' : text;
  };

  function check(value) {
    if (typeof value === 'function') refuse(nameOf(value));
    if (typeof value === 'symbol') refuse(String(value));
    if (typeof value !== 'object' || value === null) return;
    if (value instanceof DateTime || value instanceof Duration || value instanceof Interval) return;
    const tag = Reflect.apply(tagOf, value, []);
    if (/ Iterator(?: Helper)?\]$/.test(tag) || tag === '[object Generator]') refuse(tag);
    const type = tag === '[object Object]' || tag === '[object Array]' ? undefined : uncloneable.find((each) => value instanceof each);
    if (type) refuse(`#<${type.name}>`);
    if (Array.isArray(value)) value.forEach(check);
    else for (const key of Object.keys(value)) check(value[key]);
  }

  /** Raises ExpressionError for a value that holds anything that cannot be copied; see rewrite() for `plain`, `arrow`. */
  realm.checkCloneable = (value, { plain, arrow }) => {
    if (typeof value === 'symbol') throw failed('Unsupported type');
    if (typeof value === 'function') refuse(nameOf(value, arrow));
    if (plain || typeof value !== 'object') return;
    try {
      check(value);
    } catch (error) {
      throw error instanceof ExpressionError ? error : failed(error instanceof Error ? error.message : 'unknown error');
    }
  };
}
