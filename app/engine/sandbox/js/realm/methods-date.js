// n8n's methods on dates: JavaScript's Date and Luxon's DateTime.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;
  const { DateTime, Duration } = realm.luxon;

  const units = ['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'quarters', 'years'];

  const plural = (name) => {
    const unit = `${name}`.endsWith('s') ? `${name}` : `${name}s`;
    if (units.includes(unit)) return unit;
    throw new ExpressionError(`Unsupported unit '${name}'. Supported: ${units.map((each) => `'${each}'`).join(', ')}.`);
  };

  function toDateTime(value, format) {
    let date;
    if (value instanceof DateTime) return value;
    if (value instanceof Date) date = DateTime.fromJSDate(value);
    else if (format === 'ms' || format === 's' || format === 'us' || format === 'excel') {
      return realm.families.Number.toDateTime(Number(value), format);
    } else if (typeof format === 'string') return DateTime.fromFormat(value, format);
    else if (typeof value === 'number') date = DateTime.fromMillis(value);
    else {
      // A time that says its zone keeps it.
      for (const parse of [DateTime.fromISO, DateTime.fromHTTP, DateTime.fromRFC2822, DateTime.fromSQL]) {
        date = parse(value, { setZone: true });
        // Luxon's own name for it, by which it writes "Z".
        if (date.isValid) return /^(utc|gmt)$/i.test(date.zoneName) ? date.toUTC() : date;
      }
      date = DateTime.fromJSDate(new Date(value));
    }
    if (!date.isValid) throw new ExpressionError('cannot convert to Luxon DateTime');
    return date;
  }
  realm.toDateTime = toDateTime;

  /** Runs on a DateTime and gives back what it was given: a Date stays a Date. */
  const sameKind = (value, result) => (value instanceof Date ? result.toJSDate() : result);
  const luxon = (value) => (value instanceof Date ? DateTime.fromJSDate(value) : value);

  const duration = (amount = 0, unit) => (unit === undefined ? amount : Duration.fromObject({ [unit]: amount }));

  const beginningOf = (value, unit = 'week') => sameKind(value, luxon(value).startOf(unit));

  function diffTo(value, other, given = 'days') {
    const list = (Array.isArray(given) ? given : [given]).map(plural);
    const date = luxon(value);
    const difference = date.diff(typeof other === 'string' ? toDateTime(other) : luxon(other) ?? DateTime.invalid('missing'), list);
    return Array.isArray(given) ? difference.toObject() : difference.as(list[0]);
  }

  const isDate = (value) => value instanceof Date || value instanceof DateTime;
  const boundary = (value) => {
    const date = isDate(value) ? luxon(value) : typeof value === 'string' ? DateTime.fromISO(value) : undefined;
    return date?.isValid ? date : undefined;
  };

  function isBetween(value, ...given) {
    if (given.length !== 2) throw new ExpressionError('isBetween(): expected exactly two args');
    const [from, to] = given.map(boundary);
    if (!from || !to) return undefined;
    const date = luxon(value);
    return from < to ? from < date && date < to : to < date && date < from;
  }

  realm.families.Date = {
    beginningOf,
    endOfMonth: (value) => sameKind(value, luxon(value).endOf('month')),
    extract: (value, part = 'week') => luxon(value).get({ week: 'weekNumber', yearDayNumber: 'ordinal' }[part] ?? part.replace(/(?<=[a-z])s$/, '')),
    format: (value, pattern) => luxon(value).toFormat(pattern),
    isBetween,
    isDst: (value) => luxon(value).isInDST,
    isInLast(value, amount = 0, unit = 'minutes') {
      const now = DateTime.now();
      const date = luxon(value);
      return date <= now && date >= now.minus({ [plural(unit)]: amount });
    },
    isWeekend: (value) => luxon(value).weekday > 5,
    isEmpty: () => false,
    isNotEmpty: () => true,
    minus: (value, amount, unit) => sameKind(value, luxon(value).minus(duration(amount, unit))),
    plus: (value, amount, unit) => sameKind(value, luxon(value).plus(duration(amount, unit))),
    diffTo,
    diffToNow: (value, given) => diffTo(value, DateTime.now(), given),
    toBoolean: () => undefined,
    toInt: (value) => luxon(value).toMillis(),
    toFloat: (value) => luxon(value).toMillis(),
    toDateTime: (value) => luxon(value),
  };
}
