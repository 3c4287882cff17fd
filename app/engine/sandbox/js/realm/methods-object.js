// n8n's methods on objects.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;

  const kept = (object, keep) => Object.fromEntries(Object.entries(object).filter(([key, value]) => keep(value, key)));

  const needle = (name, value) => {
    if (typeof value !== 'string' || value === '') {
      throw new ExpressionError(`${name}(): expected non-empty string arg`);
    }
    return value;
  };

  realm.families.Object = {
    isEmpty: (object) => Object.keys(object).length === 0,
    isNotEmpty: (object) => Object.keys(object).length > 0,
    hasField: (object, name) => Object.hasOwn(object, name),
    keys: (object) => Object.keys(object),
    values: (object) => Object.values(object),
    removeField: (object, name) => kept(object, (_, key) => key !== name),
    removeFieldsContaining(object, text) {
      needle('removeFieldsContaining', text);
      return kept(object, (value) => typeof value !== 'string' || !value.includes(text));
    },
    keepFieldsContaining(object, text) {
      needle('keepFieldsContaining', text);
      return kept(object, (value) => typeof value === 'string' && value.includes(text));
    },
    compact: (object) => kept(object, (value) => value !== null && value !== undefined && value !== '' && value !== 'nil'),
    urlEncode(object) {
      const encode = (text) =>
        encodeURIComponent(text).replace(/[!'()~]|%20/g, (c) => (c === '%20' ? '+' : `%${c.charCodeAt(0).toString(16).toUpperCase()}`));
      return Object.entries(object).map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&');
    },
    toJsonString: (object) => JSON.stringify(object),
    toBoolean: (object) => Object.keys(object).length > 0,
    toInt: () => undefined,
    toFloat: () => undefined,
    toDateTime: () => undefined,
  };
}
