// n8n's methods on dates: JavaScript's Date and Luxon's DateTime.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;
  const { DateTime, Duration, Interval } = realm.luxon;

  const units = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond'];
  const short = { y: 'year', Q: 'quarter', M: 'month', w: 'week', d: 'day', h: 'hour', m: 'minute', s: 'second', ms: 'millisecond', min: 'minute', hr: 'hour', sec: 'second', wk: 'week', mo: 'month', yr: 'year', qtr: 'quarter', milli: 'millisecond' };
  const unitOf = (name) => {
    const unit = short[name] ?? (short[String(name).replace(/s$/, '')] || String(name).replace(/s$/, ''));
    return unit;
  };
  const plural = (name) => `${unitOf(name)}s`;

  function toDateTime(value, format) {
    let date;
    if (DateTime.isDateTime(value)) return value;
    if (value instanceof Date) date = DateTime.fromJSDate(value);
    else if (format === 'ms' || format === 's' || format === 'us' || format === 'excel') {
      return realm.families.Number.toDateTime(Number(value), format);
    } else if (typeof format === 'string') date = DateTime.fromFormat(value, format);
    else if (typeof value === 'number') date = DateTime.fromMillis(value);
    else {
      for (const parse of [DateTime.fromISO, DateTime.fromHTTP, DateTime.fromRFC2822, DateTime.fromSQL]) {
        date = parse(value, parse === DateTime.fromISO ? { setZone: false } : undefined);
        if (date.isValid) return date;
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

  const duration = (amount, unit) =>
    typeof amount === 'object' ? amount : Duration.fromObject({ [plural(unit ?? 'milliseconds')]: Number(amount) });

  const beginningOf = (value, unit = 'week') => sameKind(value, luxon(value).startOf(unitOf(unit)));

  function diffTo(value, other, given) {
    const list = (Array.isArray(given) ? given : [given ?? 'days']).map(plural);
    const difference = luxon(value).diff(toDateTime(other), list).toObject();
    return list.length === 1 ? difference[list[0]] : difference;
  }

  realm.families.Date = {
    beginningOf,
    endOfMonth: (value) => sameKind(value, luxon(value).endOf('month')),
    extract(value, part = 'week') {
      const date = luxon(value);
      const name = part === 'yearDayNumber' ? 'ordinal' : { week: 'weekNumber', weekDay: 'weekday' }[part] ?? part;
      return date.get(unitOf(name) in date && units.includes(unitOf(name)) && name !== 'weekNumber' ? unitOf(name) : name);
    },
    format: (value, pattern = 'yyyy-MM-dd') => luxon(value).toFormat(pattern),
    isBetween(value, from, to) {
      if (from === undefined || to === undefined) throw new ExpressionError('isBetween(): expected two args');
      const [start, end] = [toDateTime(from), toDateTime(to)];
      return start > end ? Interval.fromDateTimes(end, start).contains(luxon(value)) : Interval.fromDateTimes(start, end).contains(luxon(value));
    },
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
    toInt: () => undefined,
    toFloat: () => undefined,
    toDateTime: (value) => luxon(value),
  };
}
