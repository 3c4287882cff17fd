// n8n's methods on strings.
(realm) => {
  'use strict';

  const { ExpressionError, host, toDateTime } = realm;

  const hashes = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'sha3', 'ripemd160'];
  const urlSafe = /[!'()*]/g;

  const emailPattern = /[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*\.[a-z\d][a-z\d-]*[a-z\d]/i;
  const wholeEmail = new RegExp(`^${emailPattern.source}$`, 'i');
  const urlPattern = /https?:\/\/(?:www\.)?[-\w@:%.+~#=]{1,256}\.[a-z\d()]{2,63}\b[-\w()@:%+.~#?&/=]*/i;
  const wholeUrl = /^https?:\/\/(?:www\.)?[-\w@:%.+~#=]{1,256}\.[a-z\d()]{2,63}(?::\d{1,5})?(?:[/?#][^\s]*)?$/i;
  const domainPattern = /^(?:(?:https?:\/\/)?(?:www\.)?)?((?:[\p{L}\d](?:[\p{L}\d-]*[\p{L}\d])?\.)+[\p{L}]{2,63})$/iu;
  const hostPattern = /(?:[\p{L}\d](?:[\p{L}\d-]{0,61}[\p{L}\d])?\.)+[\p{L}]{2,63}|\d{1,3}(?:\.\d{1,3}){3}/iu;

  const splitWords = (text) =>
    text
      .toLowerCase()
      .replace(/[ \-]+/g, '_')
      .replace(/[^\w]+/g, '');

  const number = (text) => {
    const value = Number(text);
    if (Number.isNaN(value)) throw new ExpressionError('cannot convert to number');
    return value;
  };

  const accents = { ß: 'ss', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', ø: 'o', Ø: 'O', đ: 'd', Đ: 'D', ł: 'l', Ł: 'L', þ: 'th', Þ: 'TH', ð: 'd', Ð: 'D', ı: 'i' };

  function removeMarkdown(text) {
    return text
      .replace(/^(?:-\s*?|\*\s*?|_\s*?){3,}\s*$/gm, '')
      .replace(/^([ \t]*)([*\-+]|\d+\.)\s+/gm, '$1')
      .replace(/\n={2,}/g, '\n')
      .replace(/~{3}.*\n/g, '')
      .replace(/`{3}.*\n/g, '')
      .replace(/~~/g, '')
      .replace(/<[^>]*>/g, '')
      .replace(/^[=-]{2,}\s*$/g, '')
      .replace(/\[\^.+?\](?:: .*?$)?/g, '')
      .replace(/\s{0,2}\[.*?\]: .*?$/g, '')
      .replace(/!\[(.*?)\][[(].*?[\])]/g, '$1')
      .replace(/\[(.*?)\][[(].*?[\])]/g, '$1')
      .replace(/^\s{0,3}>\s?/gm, '')
      .replace(/^\s{0,}#{1,6}\s+|\s+#{1,6}\s*$/gm, '')
      .replace(/([*_]{1,3})(\S.*?\S?)\1/g, '$2')
      .replace(/(`{3,})(.*?)\1/gm, '$2')
      .replace(/`(.+?)`/g, '$1')
      .replace(/\n{2,}/g, '\n\n');
  }

  function extractDomain(text) {
    const email = wholeEmail.test(text) ? text.split('@').at(-1) : undefined;
    if (email) return email;
    const address = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#@]*@)?([^/:?#]+)/i.exec(text);
    if (address) return address[1].replace(/^www\./, '');
    return hostPattern.exec(text)?.[0];
  }

  realm.families.String = {
    toTitleCase: (text) => text.toLowerCase().replace(/(^|\s)(\S)/g, (_, gap, letter) => gap + letter.toUpperCase()),
    toSentenceCase: (text) => text.toLowerCase().replace(/(^\s*|[.!?]\s*)(\p{L})/gu, (_, gap, letter) => gap + letter.toUpperCase()),
    toSnakeCase: splitWords,
    isEmail: (text) => wholeEmail.test(text),
    isUrl: (text) => wholeUrl.test(text),
    isDomain: (text) => domainPattern.test(text),
    isNumeric: (text) => text.trim() !== '' && !/\s/.test(text) && !Number.isNaN(Number(text)),
    isEmpty: (text) => text === '',
    isNotEmpty: (text) => text !== '',
    extractEmail: (text) => emailPattern.exec(text)?.[0],
    extractUrl: (text) => urlPattern.exec(text)?.[0],
    extractDomain,
    extractUrlPath(text) {
      const address = /^[a-z][a-z\d+.-]*:\/\/[^/?#]+([^?#]*)/i.exec(text);
      return address ? address[1] || '/' : undefined;
    },
    removeTags: (text) => text.replace(/<[^>]*>?/gm, ''),
    removeMarkdown,
    urlEncode(text, whole = false) {
      if (whole) return encodeURI(text);
      return encodeURIComponent(text).replace(urlSafe, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    },
    urlDecode: (text, whole = false) => (whole ? decodeURI(text) : decodeURIComponent(text)),
    base64Encode: (text) => host('base64Encode', text, ''),
    base64Decode: (text) => host('base64Decode', text, ''),
    hash(text, algorithm = 'md5') {
      const name = `${algorithm}`.toLowerCase();
      if (name === 'base64') return host('base64Encode', text, '');
      if (!hashes.includes(name)) {
        throw new ExpressionError(
          `Unknown algorithm ${algorithm}. Available algorithms are: base64, md5, sha1, sha224, sha256, sha384, sha512, sha3, and ripemd160.`,
        );
      }
      return host('hash', text, name);
    },
    toNumber: number,
    toInt(text, radix = 10) {
      const value = parseInt(text.replace(/[,_ ]/g, ''), radix);
      if (Number.isNaN(value)) throw new ExpressionError('cannot convert to integer');
      return value;
    },
    toWholeNumber: (text, radix) => realm.families.String.toInt(text, radix),
    toFloat(text) {
      if (text.includes(',')) throw new ExpressionError('cannot convert to float');
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
    replaceSpecialChars: (text) =>
      text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[^\0-\x7f]/g, (c) => accents[c] ?? c),
    length: (text) => text.length,
    parseJson(text) {
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new ExpressionError(`Parsing failed: ${error.message}`);
      }
    },
    toJsonString: (text) => JSON.stringify(text),
  };
}
