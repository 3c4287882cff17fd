// n8n's methods on objects.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;

  const kept = (object, keep) => Object.fromEntries(Object.entries(object).filter(([key, value]) => keep(value, key)));

  const needle = (value, complaint) => {
    if (typeof value !== 'string' || value === '') throw new ExpressionError(complaint);
  };

  /** What compact() leaves out. */
  const isBlank = (value) => {
    if (value === null || value === undefined || value === '' || value === 'nil') return true;
    return typeof value === 'object' && Object.keys(value).length === 0;
  };
  realm.isBlank = isBlank;

  function compact(object) {
    const entries = Object.entries(object).filter(([, value]) => !isBlank(value));
    return Object.fromEntries(entries.map(([key, value]) => [key, value !== null && typeof value === 'object' ? compact(value) : value]));
  }

  realm.families.Object = {
    isEmpty: (object) => Object.keys(object).length === 0,
    isNotEmpty: (object) => Object.keys(object).length > 0,
    hasField: (object, name) => name in object,
    keys: (object) => Object.keys(object),
    values: (object) => Object.values(object),
    removeField: (object, name) => kept(object, (_, key) => key !== name),
    removeFieldsContaining(object, text) {
      needle(text, 'removeFieldsContaining(): expected non-empty string arg');
      return kept(object, (value) => typeof value !== 'string' || !value.includes(text));
    },
    keepFieldsContaining(object, text) {
      needle(text, 'argument of keepFieldsContaining must be a non-empty string');
      return kept(object, (value) => typeof value === 'string' && value.includes(text));
    },
    compact,
    urlEncode(object) {
      const encode = (text) =>
        encodeURIComponent(text).replace(/[!'()~]|%20/g, (c) => (c === '%20' ? '+' : `%${c.charCodeAt(0).toString(16).toUpperCase()}`));
      return Object.entries(object).map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&');
    },
    toJsonString: (object) => JSON.stringify(object),
    toBoolean: () => undefined,
    toInt: () => undefined,
    toFloat: () => undefined,
    toDateTime: () => undefined,
  };
}
