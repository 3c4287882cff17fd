// n8n's methods on arrays.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;

  const isObject = (value) => value !== null && typeof value === 'object';
  const isPlain = (value) => isObject(value) && !Array.isArray(value) && !(value instanceof Date);

  function isEqual(a, b) {
    if (Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) return false;
    if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
    if (Array.isArray(a) !== Array.isArray(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
  }

  /** A set of JSON values by what they are, not which they are. */
  class ValueSet {
    #primitives = new Set();
    #objects = [];

    has(value) {
      return isObject(value) ? this.#objects.some((each) => isEqual(each, value)) : this.#primitives.has(value);
    }

    add(value) {
      if (isObject(value)) this.#objects.push(value);
      else this.#primitives.add(value);
    }
  }

  const setOf = (values) => {
    const set = new ValueSet();
    for (const value of values) set.add(value);
    return set;
  };

  function distinct(values, keyOf = (value) => value) {
    const seen = new ValueSet();
    return values.filter((value) => {
      const key = keyOf(value);
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
  }

  const picked = (value, keys) => Object.fromEntries(keys.map((key) => [key, value?.[key]]));
  const unique = (values, ...keys) =>
    distinct(values, keys.length ? (value) => (isPlain(value) ? picked(value, keys) : value) : undefined);

  const other = (name, values, example = '[1, 2, 3, 4]') => {
    if (!Array.isArray(values)) throw new ExpressionError(`${name}(): expected array arg, e.g. .${name}(${example})`);
    return values;
  };

  const numbers = (name, values) => {
    if (!values.every((value) => typeof value === 'number')) {
      throw new ExpressionError(`${name}(): all array elements must be numbers`);
    }
    return values;
  };

  const sum = (values) => numbers('sum', values).reduce((total, value) => total + value, 0);

  const compact = (values) =>
    values.filter((value) => !realm.isBlank(value)).map((value) => (isObject(value) ? realm.families.Object.compact(value) : value));

  realm.families.Array = {
    first: (values) => values[0],
    last: (values) => values[values.length - 1],
    sum,
    average: (values) => (values.length === 0 ? 0 : numbers('average', values).reduce((a, b) => a + b, 0) / values.length),
    min: (values) => Math.min(...numbers('min', values)),
    max: (values) => Math.max(...numbers('max', values)),
    isEmpty: (values) => values.length === 0,
    isNotEmpty: (values) => values.length > 0,
    randomItem: (values) => values[Math.floor(Math.random() * values.length)],
    unique,
    removeDuplicates: unique,
    compact,
    chunk(values, size) {
      if (typeof size !== 'number' || size === 0) throw new ExpressionError('chunk(): expected non-zero numeric arg, e.g. .chunk(5)');
      const chunks = [];
      for (let start = 0; start < values.length; start += size) chunks.push(values.slice(start, start + size));
      return chunks;
    },
    pluck(values, ...keys) {
      if (keys.length === 0) return values;
      const plucked = values.map((value) => {
        if (!isPlain(value)) return undefined;
        const found = keys.filter((key) => Object.hasOwn(value, key)).map((key) => value[key]);
        return found.length > 1 ? found : found[0];
      });
      return plucked.filter((value) => value !== undefined);
    },
    intersection(values, others) {
      const set = setOf(other('intersection', others));
      return distinct(values.filter((value) => set.has(value)));
    },
    difference(values, others) {
      const set = setOf(other('difference', others));
      return distinct(values.filter((value) => !set.has(value)));
    },
    union: (values, others) => distinct([...values, ...other('union', others)]),
    append: (values, ...added) => [...values, ...added],
    reverse: (values) => [...values].reverse(),
    merge(values, others) {
      const merged = {};
      if (others === undefined) {
        for (const value of values) if (isPlain(value)) Object.assign(merged, { ...value, ...merged });
        return merged;
      }
      other('merge', others, '[{ id: 1, otherValue: 3 }]');
      for (let i = 0; i < Math.min(values.length, others.length); i++) {
        if (isPlain(values[i]) && isPlain(others[i])) Object.assign(merged, { ...values[i], ...others[i], ...values[i] });
      }
      return merged;
    },
    renameKeys(values, ...pairs) {
      if (pairs.length === 0 || pairs.length % 2 !== 0) {
        throw new ExpressionError('renameKeys(): expected an even amount of args: from1, to1 [, from2, to2, ...]. e.g. .renameKeys("name", "title")');
      }
      return values.map((value) => {
        if (!isPlain(value)) return value;
        const renamed = { ...value };
        for (let i = 0; i < pairs.length; i += 2) {
          if (!Object.hasOwn(renamed, pairs[i])) continue;
          renamed[pairs[i + 1]] = renamed[pairs[i]];
          delete renamed[pairs[i]];
        }
        return renamed;
      });
    },
    smartJoin(values, keyName, valueName) {
      if (typeof keyName !== 'string' || typeof valueName !== 'string') {
        throw new ExpressionError('smartJoin(): expected two string args, e.g. .smartJoin("name", "value")');
      }
      const joined = {};
      for (const value of values) {
        if (isPlain(value) && Object.hasOwn(value, keyName)) joined[value[keyName]] = value[valueName];
      }
      return joined;
    },
    toJsonString: (values) => JSON.stringify(values),
    toBoolean: () => undefined,
    toInt: () => undefined,
    toFloat: () => undefined,
    toDateTime: () => undefined,
  };
}
