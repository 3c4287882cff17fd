// n8n's methods on strings.
(realm) => {
  'use strict';

  const { ExpressionError, host, toDateTime } = realm;

  const hashes = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3'];

  const hostName = String.raw`(?:(?:[-\w]+\.)+[a-z]{2,}|localhost|\d{1,3}(?:\.\d{1,3}){3})`;
  const wholeEmail = /^(?:[^<>()[\],;:\s@"]+|".+")@(?:\[\d{1,3}(?:\.\d{1,3}){3}\]|(?:[a-z\d-]+\.)+[a-z]{2,})$/i;
  const anyEmail = /(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*\.[a-z\d][a-z\d-]*[a-z\d]/i;
  const wholeDomain = new RegExp(`^${hostName}(?::\\d+)?(?:[/?#].*)?$`, 'i');
  const wholeUrl = new RegExp(`^(?:https?|ftp)://${hostName}(?::\\d+)?(?:[/?#]\\S*)?$`, 'i');
  const anyUrl = new RegExp(`(?:https?|ftp)://${hostName}(?::\\d+)?(?:[/?#]\\S*)?`, 'i');
  // scheme, user and host of an address that may lack the first two
  const address = new RegExp(`^(?:(?:[a-z][a-z\\d+.-]*:)?//|mailto:)?([^\\s/?#]*@)?(${hostName})(?=[:/?#]|$)`, 'i');

  // What makes Markdown of a text, in the order in which n8n takes it away, and what is left of it.
  const markdown = [
    [/^([ \t]*)(?:[*+-]|\d\.)\s+/gm, '$1'], // list markers
    [/\n==+/g, '\n'], // underlined titles
    [/(?:```|~~~).*(\n)?/g, (all, ended) => (ended ? '' : all)], // fences of code
    [/~~|<[^>]*(>)?/g, (all, ended) => (ended ? '' : all.replaceAll('~~', ''))], // strike-through and tags
    [/\[\^[^\]]+\](?:: .*$)?/g, ''], // footnotes
    [/\s{0,2}\[[^\]]*\]: .*$/g, ''], // definitions of links
    [/!\[[^\]]*\][([][^)\]]*[)\]]/g, ''], // images
    [/\[([^\]]*)\][([][^)\]]*[)\]]/g, '$1'], // links
    [/^>/gm, ''], // quotations
    [/^#{1,6}\s*/, ''],
    [/^#{1,6}/gm, ''],
    [/([*_]{1,3})(\S.*?\S)\1/g, '$2'], // emphasis
    [/`(.+?)`/g, '$1'], // code
    [/\n{3,}/g, '\n\n'],
  ];

  function extractDomain(text) {
    const found = address.exec(text);
    // Of a mail address only a host with a dot counts.
    return found && !(found[1] && !found[2].includes('.')) ? found[2] : undefined;
  }

  function parseJson(text) {
    try {
      return JSON.parse(text);
    } catch {
      throw new ExpressionError(text.includes("'") ? "Parsing failed. Check you're using double quotes" : 'Parsing failed');
    }
  }

  realm.families.String = {
    toTitleCase: (text) => host('titleCase', text, ''),
    toSentenceCase: (text) =>
      text.toLowerCase().replace(/(^|[.!?])([^\p{L}.!?]*)(\p{L})/gu, (_, end, gap, letter) => end + gap + letter.toUpperCase()),
    toSnakeCase: (text) => text.toLowerCase().replace(/[ -]/g, '_').replace(/[^\p{L}\d_\s]/gu, ''),
    isEmail: (text) => wholeEmail.test(text),
    isUrl: (text) => wholeUrl.test(text),
    isDomain: (text) => wholeDomain.test(text),
    isNumeric: (text) => text.trim() !== '' && !/\s/.test(text) && !Number.isNaN(Number(text)),
    isEmpty: (text) => text === '',
    isNotEmpty: (text) => text !== '',
    extractEmail: (text) => anyEmail.exec(text)?.[0],
    extractUrl: (text) => anyUrl.exec(text)?.[0],
    extractDomain,
    extractUrlPath(text) {
      const found = /^[a-z][a-z\d+.-]*:\/\/[^/?#]+([^?#]*)/i.exec(text);
      return found ? found[1] || '/' : undefined;
    },
    removeTags: (text) => text.replace(/<[^>]*>?/gm, ''),
    removeMarkdown: (text) => markdown.reduce((rest, [pattern, kept]) => rest.replace(pattern, kept), text),
    urlEncode: (text, whole = false) => (whole ? encodeURI(text) : encodeURIComponent(text)),
    urlDecode: (text, whole = false) => (whole ? decodeURI(text) : decodeURIComponent(text)),
    base64Encode: (text) => host('base64Encode', text, ''),
    base64Decode(text) {
      if (text.replace(/[^A-Za-z0-9+/_-]/g, '').length % 4 === 1) throw new TypeError('malformed base64');
      return host('base64Decode', text, '');
    },
    hash(text, algorithm = 'md5') {
      const name = `${algorithm}`.toLowerCase();
      if (name === 'base64') return host('base64Encode', text, '');
      if (!hashes.includes(name)) {
        throw new ExpressionError(
          `Unknown algorithm ${algorithm}. Available algorithms are: ${hashes.join()}, and Base64.`,
        );
      }
      return host('hash', text, name);
    },
    toNumber(text) {
      const value = Number(text);
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to number');
      return value;
    },
    toInt(text, radix = 10) {
      const value = parseInt(text, radix);
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to integer');
      return value;
    },
    toWholeNumber: (text, radix) => realm.families.String.toInt(text, radix),
    toFloat(text) {
      if (text.includes(',')) throw new ExpressionError('cannot convert to float, expected . as decimal separator');
      const value = parseFloat(text);
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to float');
      return value;
    },
    toDecimalNumber: (text) => realm.families.String.toFloat(text),
    toBoolean: (text) => !['', 'false', '0', 'no'].includes(text.toLowerCase()),
    toDateTime: (text, format) => toDateTime(text, format),
    toDate(text) {
      const date = new Date(text);
      if (Number.isNaN(date.getTime())) throw new ExpressionError('cannot convert to date');
      return date;
    },
    quote: (text, mark = '"') => `${mark}${text.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`)}${mark}`,
    replaceSpecialChars: (text) => host('transliterate', text, ''),
    length: (text) => text.length,
    parseJson,
    toJsonString: (text) => JSON.stringify(text),
  };
}
