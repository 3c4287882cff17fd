// Luxon and jmespath, evaluated inside the context, and what must be true of them where evaluations share a context.
(realm, luxonLibrary, jmespathLibrary) => {
  'use strict';

  const { freeze, defineProperty } = Object;

  const evaluate = (library) => {
    const module = { exports: {} };
    library(module, module.exports, undefined);
    return module.exports;
  };

  // Luxon caches formatters and zones; frozen, they carry nothing from one evaluation to the next.
  for (const name of Object.getOwnPropertyNames(Intl)) {
    const Original = Intl[name];
    if (!Original.prototype) continue;
    const Frozen = function (...given) {
      return freeze(new.target ? Reflect.construct(Original, given, new.target === Frozen ? Original : new.target) : Original(...given));
    };
    Frozen.prototype = Original.prototype;
    Frozen.supportedLocalesOf = Original.supportedLocalesOf;
    defineProperty(Original.prototype, 'constructor', { value: Frozen });
    defineProperty(Frozen, 'name', { value: name });
    Intl[name] = Frozen;
  }

  const luxon = evaluate(luxonLibrary);
  const { DateTime, Duration, Interval, IANAZone, FixedOffsetZone, SystemZone, Settings } = luxon;

  const create = IANAZone.create;
  IANAZone.create = function (name) {
    return freeze(create.call(IANAZone, name));
  };
  freeze(FixedOffsetZone.utcInstance);
  freeze(SystemZone.instance);

  let current = 'UTC';
  Settings.defaultZone = current;
  Settings.defaultLocale = 'en-US';

  /** Sets the zone of every date that is made from now on without one; an unknown zone, or none, is UTC. */
  function setDefaultZone(given) {
    const name = given || 'UTC';
    if (name === current) return;
    current = name;
    Settings.defaultZone = IANAZone.isValidZone(name) ? name : 'UTC';
  }

  let used = true; // by what follows here

  /** Whoever leads a program to Luxon says so: what it asks there may fill the caches. */
  const noteUse = () => {
    used = true;
  };

  /** Empties the caches, which one evaluation fills and the next one would find full. */
  realm.forgetDates = () => {
    if (!used) return;
    Settings.resetCaches();
    used = false;
  };

  const jmespath = evaluate(jmespathLibrary);

  realm.luxon = { DateTime, Duration, Interval, setDefaultZone, noteUse };
  realm.jmespath = jmespath;
  // Locale is not exported, but every date leads to it.
  const Locale = Object.getPrototypeOf(DateTime.now().loc);
  realm.shared?.push(...Object.values(luxon), Locale, jmespath);
}
