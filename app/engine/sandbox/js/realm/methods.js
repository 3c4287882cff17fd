// n8n's methods on values ('x'.toTitleCase(), [1, 2].sum(), ...): which one a call means, and what it says when there is none.
// The methods themselves are in methods-*.js, one file a type; each is (value, ...arguments).
(realm) => {
  'use strict';

  const { ExpressionError, families } = realm;
  const { DateTime, noteUse } = realm.luxon;

  const typeOf = (value) => {
    switch (typeof value) {
      case 'string':
        return 'String';
      case 'number':
        return 'Number';
      case 'boolean':
        return 'Boolean';
      case 'object':
        if (Array.isArray(value)) return 'Array';
        return value instanceof Date || value instanceof DateTime ? 'Date' : 'Object';
      default:
        return undefined;
    }
  };

  const isEmpty = (value) => value === undefined || value === null || value === '';
  const anyType = { isEmpty, isNotEmpty: (value) => !isEmpty(value) };

  // The order in which n8n names the types in its messages.
  const order = ['Array', 'Date', 'Number', 'Object', 'String', 'Boolean'];
  const names = new Set(order.flatMap((type) => Object.keys(families[type])).concat(Object.keys(anyType)));

  const typesOf = (name) => {
    const types = order.filter((type) => Object.hasOwn(families[type], name)).map((type) => `"${type}"`);
    if (types.length === 1) return `type ${types[0]}`;
    return `types ${types.slice(0, -1).join(', ')}, and ${types.at(-1)}`;
  };

  // What a chain's `$of` gives for a property that is not there, so that the chain goes on to the method.
  const missing = new Map([undefined, null].map((value) => [value, Object.freeze({})]));
  const meant = new Map([...missing].map(([value, stand]) => [stand, value]));

  function call(name, receiver, given) {
    noteUse(); // many methods make dates, and those of dates are their own
    const value = meant.has(receiver) ? meant.get(receiver) : receiver;
    if (value === undefined || value === null) {
      if (Object.hasOwn(anyType, name)) return anyType[name](value);
      throw new ExpressionError(`${name} can't be used on ${value} value`, {
        description: `To go on without it, write my_var?.${name}()`,
      });
    }
    const family = families[typeOf(value)];
    if (family && Object.hasOwn(family, name)) return family[name](value, ...given);
    const own = value[name];
    if (typeof own === 'function') return Reflect.apply(own, value, given);
    if (Object.hasOwn(anyType, name)) return anyType[name](value);
    throw new ExpressionError(`${name}() is only callable on ${typesOf(name)}`);
  }

  // `x.sum()` becomes `__call.sum(x)()`; in an optional chain `x?.sum()` becomes `x?.[__methods.sum]()`.
  const callers = Object.create(null);
  const symbols = Object.create(null);
  for (const name of names) {
    callers[name] = (value) => (...given) => call(name, value, given);
    symbols[name] = Symbol(name);
    Object.defineProperty(Object.prototype, symbols[name], {
      value(...given) {
        return call(name, this, given);
      },
    });
  }

  symbols.$of = Symbol('of');
  Object.defineProperty(Object.prototype, symbols.$of, {
    value(name) {
      const value = this[name];
      return missing.get(value) ?? value;
    },
  });

  realm.methods = { call: Object.freeze(callers), symbols: Object.freeze(symbols), names: [...names] };
  realm.isEmpty = (value) => call('isEmpty', value, []);

  const average = (...values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** Functions that an expression may call by name. */
  realm.functions = {
    $ifEmpty(...given) {
      if (given.length !== 2) {
        throw new ExpressionError('expected two arguments (value, defaultValue) for this function');
      }
      const [value, fallback] = given;
      const empty = typeof value === 'object' ? realm.isEmpty(value) : isEmpty(value);
      return empty ? fallback : value;
    },
    $min: (...values) => Math.min(...values),
    $max: (...values) => Math.max(...values),
    $average: average,
    average,
    $not: (value) => !value,
    not: (value) => !value,
    numberList: (from, to) => Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => (from <= to ? from + i : from - i)),
    zip(keys, values) {
      if (keys.length !== values.length) throw new ExpressionError('keys and values not of equal length');
      return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
    },
  };
}
