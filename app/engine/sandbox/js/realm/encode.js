// Values on their way out of a context: JSON that every reader takes (no lone surrogates, nothing cyclic).
(realm) => {
  'use strict';

  const { stringify } = JSON;

  // JSON.stringify writes a lone surrogate as \udXXX, which strict readers refuse.
  const surrogate = /\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|[^])/g;
  const mayHaveSurrogate = /\\u[dD][89a-fA-F]/;
  const wellFormed = (json) =>
    mayHaveSurrogate.test(json) ? json.replace(surrogate, (match) => (match.length > 2 ? '\\ufffd' : match)) : json;

  const plain = (key, value) => (typeof value === 'bigint' ? `${value}` : value);

  const jsonOrNull = (value) => {
    try {
      return stringify(value, plain) ?? 'null';
    } catch {
      return 'null';
    }
  };

  /** JSON of an answer; of its results, those that JSON cannot hold (cycles, a throwing toJSON) become null. */
  function encode(answer) {
    let json;
    try {
      json = stringify(answer);
    } catch {
      const { results, ...rest } = answer;
      const rows = (results ?? []).map((row) => `[${row.map(jsonOrNull).join()}]`);
      json = `${stringify({ ...rest, results: [] }, plain).slice(0, -2)}${rows.join()}]}`;
    }
    return wellFormed(json);
  }

  const string = (value) => (typeof value === 'string' ? value : undefined);

  /** What the worker is told about an error; reading it must not fail, whatever was thrown. */
  function describe(error, itemIndex) {
    try {
      const { message, description, kind, nodeName } = error;
      return {
        message: string(message) ?? 'Unknown error',
        description: string(description),
        kind: string(kind),
        nodeName: string(nodeName),
        itemIndex: itemIndex >= 0 ? itemIndex : undefined,
      };
    } catch {
      return { message: 'Unknown error' };
    }
  }

  Object.assign(realm, { encode, describe, wellFormed });
}
