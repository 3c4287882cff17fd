// Evaluates compiled templates for all items of a request; the only door into the context of expressions.
// Takes and gives strings; knows no host object.
(realm) => {
  'use strict';

  const { ExpressionError, Scope, variables, methods, checkCloneable } = realm;
  const { DateTime, setDefaultZone } = realm.luxon;
  const { parse } = JSON;
  const nothing = Object.freeze({});
  const MAX_DEPTH = 20;

  /** handle -> {parts: [text or {run, read, mutates}]} */
  const programs = new Map();

  const functions = realm.functions;
  const readers = (names) =>
    names.map((name) => {
      if (name === '__call') return () => methods.call;
      if (name === '__methods') return () => methods.symbols;
      if (Object.hasOwn(variables, name)) return variables[name];
      if (Object.hasOwn(functions, name)) return () => functions[name];
      return () => ({});
    });

  function define(handle, meta, ...compiled) {
    const parts = parse(meta);
    for (const part of parts) {
      if (part.text !== undefined) continue;
      part.run = compiled[part.function];
      part.read = readers(part.variables);
    }
    programs.set(handle, parts);
  }

  const failed = (error) =>
    new ExpressionError(`Expression evaluation failed: ${error instanceof Error ? error.message : 'unknown error'}`);

  function runPart(part, scope) {
    const { run, read, fails } = part;
    if (fails !== undefined) throw new ExpressionError(fails);
    scope.copying = part.mutates;
    try {
      switch (read.length) {
        case 0:
          return Reflect.apply(run, nothing, []);
        case 1:
          return Reflect.apply(run, nothing, [read[0](scope)]);
        default:
          return Reflect.apply(run, nothing, read.map((each) => each(scope)));
      }
    } catch (error) {
      if (error instanceof ExpressionError) throw error;
      scope.thrown = error;
      return undefined;
    }
  }

  function valueOf(parts, scope) {
    if (parts.length === 1) {
      const [part] = parts;
      if (part.text !== undefined) return part.text;
      const value = runPart(part, scope);
      if (typeof value === 'bigint') return `${value}`;
      checkCloneable(value, part);
      scope.isDateTime = value instanceof DateTime;
      return scope.isDateTime ? `${value}` : value;
    }
    let text = '';
    for (const part of parts) {
      if (part.text !== undefined) {
        text += part.text;
        continue;
      }
      const value = runPart(part, scope);
      if (value === null || value === undefined || Number.isNaN(value)) continue;
      try {
        text += String(value);
        if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
      } catch (error) {
        throw failed(error);
      }
    }
    return text;
  }

  /** What a template gives, with its leading "=", for one item. */
  function valueWithin(template, scope, index) {
    const compiled = realm.host('compile', template, '');
    if (compiled.startsWith('!')) throw new ExpressionError(compiled.slice(1));
    const before = { index: scope.index, copying: scope.copying, depth: scope.depth };
    if (scope.depth >= MAX_DEPTH) throw new ExpressionError(`Expressions lead to each other more than ${MAX_DEPTH} deep`);
    scope.depth += 1;
    scope.index = index;
    try {
      return valueOf(programs.get(Number(compiled)), scope);
    } finally {
      Object.assign(scope, before);
    }
  }

  /** What the text gives as a template, for this item or for another one. */
  variables.$evaluateExpression = (scope) => (text, index = scope.index) => {
    if (typeof text !== 'string') throw new TypeError('The expression is not a text');
    Scope.at(scope.items, index, scope.data.node?.name);
    return valueWithin(`=${text}`, scope, index);
  };

  /** Lets each parameter that is an expression give its value when it is looked at; a locator is what it locates. */
  realm.resolveParameters = (scope, shown) => {
    const raw = realm.copyOf(shown);
    for (const [name, given] of Object.entries(shown)) {
      const value = given?.__rl === true ? located(given) : given;
      if (typeof value !== 'string' || !value.startsWith('=')) {
        shown[name] = value;
        continue;
      }
      const get = () => (value === `={{ $parameter.${name} }}` ? undefined : valueWithin(value, scope, scope.index));
      Object.defineProperty(shown, name, { get, enumerable: true, configurable: true });
    }
    return Object.defineProperty(shown, 'toJSON', { value: () => raw, enumerable: false });
  };

  /** What a resource locator stands for: of an address, the part of it that its node takes. */
  function located({ value, __regex }) {
    if (!__regex || typeof value !== 'string') return value;
    try {
      return new RegExp(__regex).exec(value)?.[1] ?? value;
    } catch {
      return value;
    }
  }

  /** What JSON would write as null although it is something else; with the error if the expression threw one. */
  function hidden(value, scope) {
    const { thrown } = scope;
    scope.thrown = undefined;
    if (value === undefined) return thrown === undefined ? ['undefined'] : ['undefined', realm.describe(thrown, -1).message];
    return typeof value === 'number' && value - value !== 0 ? [`${value}`] : undefined;
  }

  /** What a template's value is, where JSON would not tell: a date, a duration, null, undefined, or what number. */
  function kindOf(parts, scope) {
    let value;
    scope.isDateTime = false;
    try {
      value = valueOf(parts, scope);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
    if (value instanceof Date) return 'Date';
    if (scope.isDateTime) return 'DateTime';
    if (value instanceof realm.luxon.Duration) return `Duration ${value.toMillis()}`;
    return typeof value === 'number' || value === null ? String(value) : typeof value;
  }

  /** The value of a template; null, and its error in `failed`, where it fails and the others are to go on. */
  function valueOrFailure(parts, scope, failed, place) {
    try {
      return valueOf(parts, scope);
    } catch (error) {
      failed.push([...place, realm.describe(error, place[0])]);
      return null;
    }
  }

  function evaluate(handles, text) {
    let scope;
    let at = -1;
    try {
      scope = new Scope(parse(text));
      // Methods such as 'x'.toDateTime() need the zone, too.
      setDefaultZone(scope.data.timezone);
      const list = parse(handles).map((handle) => programs.get(handle));
      const indexes = scope.data.itemIndexes ?? scope.items.keys();
      const results = [];
      const exact = scope.data.exact ? [] : undefined;
      const failed = scope.data.marks ? [] : undefined;
      const read = failed
        ? (parts, row) => valueOrFailure(parts, scope, failed, [results.length, row.length])
        : (parts) => valueOf(parts, scope);
      for (at of indexes) {
        scope.index = at;
        const row = [];
        for (const parts of list) {
          const value = scope.data.kinds ? kindOf(parts, scope) : read(parts, row);
          const kind = exact && hidden(value, scope);
          if (kind) exact.push([results.length, row.length, ...kind]);
          row.push(value);
        }
        results.push(row);
      }
      const customData = scope.customDataChanged ? scope.data.customData : undefined;
      return realm.encode({ results, customData, exact, failed });
    } catch (error) {
      return realm.encode({ error: realm.describe(error, at) });
    } finally {
      realm.forget();
    }
  }

  return { define, evaluate, forget: (handle) => programs.delete(handle) };
}
