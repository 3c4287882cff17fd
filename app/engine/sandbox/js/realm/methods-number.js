// n8n's methods on numbers and booleans.
(realm) => {
  'use strict';

  const { ExpressionError } = realm;
  const { DateTime } = realm.luxon;

  const parity = (name, value) => {
    if (!Number.isInteger(value)) throw new ExpressionError(`${name}() is only callable on integers`);
    return Math.abs(value % 2) === 1;
  };

  realm.families.Number = {
    abs: (value) => Math.abs(value),
    ceil: (value) => Math.ceil(value),
    floor: (value) => Math.floor(value),
    round: (value, places = 0) => +value.toFixed(places),
    isEven: (value) => !parity('isEven', value),
    isOdd: (value) => parity('isOdd', value),
    isInteger: (value) => Number.isInteger(value),
    isEmpty: (value) => !value,
    isNotEmpty: (value) => !!value,
    format: (value, locales = 'en-US', options = undefined) => new Intl.NumberFormat(locales, options).format(value),
    toBoolean: (value) => value !== 0,
    toInt: (value) => Math.round(value),
    toFloat: (value) => value,
    toDateTime(value, format = 'ms') {
      switch (format) {
        case 's':
          return DateTime.fromSeconds(value);
        case 'us':
          return DateTime.fromMillis(value / 1000);
        case 'excel':
          return DateTime.fromMillis(Math.round((value - 25569) * 86400 * 1000));
        case 'ms':
          return DateTime.fromMillis(value);
        default:
          throw new ExpressionError(`Unsupported format '${format}'. toDateTime() supports 'ms', 's', 'us' and 'excel'.`);
      }
    },
  };

  realm.families.Boolean = {
    toBoolean: (value) => value,
    toInt: (value) => (value ? 1 : 0),
    toFloat: (value) => (value ? 1 : 0),
    toNumber: (value) => (value ? 1 : 0),
    toDateTime: () => undefined,
    isEmpty: (value) => !value,
    isNotEmpty: (value) => !!value,
  };
}
