// What Node's Buffer has that the library's has not: base64url, and errors in Node's words, which name no line of a
// program, because they come from below it.
(realm) => {
  'use strict';

  const { apply } = Reflect;
  const hostErrors = new WeakSet();

  /** An error of the host's own: n8n shows its message and nothing else. */
  realm.hostError = (Type, message, code) => {
    const error = new Type(message);
    if (code !== undefined) {
      error.code = code;
      hide(error, 'toString', function () {
        return `${this.name} [${code}]: ${this.message}`;
      });
    }
    hostErrors.add(error);
    return error;
  };
  const hide = (error, name, value) => Object.defineProperty(error, name, { value, writable: true, configurable: true });
  /** What is wrong with a text that is no base64, or no Latin-1: in browsers' words, as Node's. */
  realm.characterError = (message) => {
    const error = realm.hostError(Error, message);
    hide(error, 'name', 'InvalidCharacterError');
    hide(error, 'code', 5);
    return error;
  };
  realm.isHostError = (error) => hostErrors.has(error);

  const received = (value) => {
    if (value === undefined || value === null) return `${value}`;
    if (typeof value === 'function') return value.name ? `function ${value.name}` : 'function ';
    if (typeof value === 'object') return value.constructor?.name ? `an instance of ${value.constructor.name}` : '[Object: null prototype] {}';
    const text = typeof value === 'string' ? `'${value}'` : `${String(value)}${typeof value === 'bigint' ? 'n' : ''}`;
    return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
  };
  const wrongType = (what, value) => realm.hostError(TypeError, `${what} Received ${received(value)}`, 'ERR_INVALID_ARG_TYPE');

  realm.wrongType = wrongType;

  const isUrlSafe = (encoding) => typeof encoding === 'string' && encoding.toLowerCase() === 'base64url';

  const isHex = (encoding) => typeof encoding === 'string' && encoding.toLowerCase() === 'hex';
  /** The text as far as Node.js reads it as hexadecimal digits. */
  const wholeBytes = (text) => {
    const end = text.search(/[^\da-f]/i);
    return end < 0 ? text : text.slice(0, end - (end % 2));
  };

  function checkSize(size) {
    if (typeof size !== 'number') throw wrongType('The "size" argument must be of type number.', size);
    if (size >= 0 && size <= Number.MAX_SAFE_INTEGER) return;
    const range = `>= 0 && <= ${Number.MAX_SAFE_INTEGER}. Received ${size}`;
    throw realm.hostError(RangeError, `The value of "size" is out of range. It must be ${range}`, 'ERR_OUT_OF_RANGE');
  }

  /** The library's Buffer, changed in place. */
  realm.likeNodes = (Buffer) => {
    const { from, alloc, allocUnsafe, isEncoding, concat, compare, byteLength } = Buffer;
    const { toString, write } = Buffer.prototype;
    const known = (encoding) => isUrlSafe(encoding) || isEncoding(encoding);

    const check = (encoding) => {
      if (typeof encoding !== 'string' || encoding === '' || known(encoding)) return;
      throw realm.hostError(TypeError, `Unknown encoding: ${encoding}`, 'ERR_UNKNOWN_ENCODING');
    };

    Buffer.isEncoding = known;
    Buffer.from = (value, encoding, length) => {
      if (typeof value === 'string') {
        check(encoding);
        const text = isHex(encoding) ? wholeBytes(value) : value;
        return from(text, isUrlSafe(encoding) ? 'base64' : encoding);
      }
      if (typeof value === 'object' && value !== null) {
        try {
          return from(value, encoding, length);
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
        }
      }
      const wanted = 'The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object.';
      throw wrongType(wanted, value);
    };
    Buffer.alloc = (size, fill, encoding) => (checkSize(size), alloc(size, fill, encoding));
    Buffer.allocUnsafe = (size) => (checkSize(size), allocUnsafe(size));
    Buffer.concat = (list, length) => {
      if (!Array.isArray(list)) throw wrongType('The "list" argument must be an instance of Array.', list);
      return concat(list, length);
    };
    Buffer.compare = (one, other) => {
      for (const [name, value] of [['buf1', one], ['buf2', other]]) {
        if (value instanceof Uint8Array) continue;
        throw wrongType(`The "${name}" argument must be an instance of Buffer or Uint8Array.`, value);
      }
      return compare(one, other);
    };
    Buffer.byteLength = (text, encoding) => {
      if (typeof text !== 'string' && !ArrayBuffer.isView(text) && !(text instanceof ArrayBuffer)) {
        throw wrongType('The "string" argument must be of type string or an instance of Buffer or ArrayBuffer.', text);
      }
      return byteLength(text, encoding);
    };
    Buffer.prototype.toString = function (encoding, ...range) {
      if (!isUrlSafe(encoding)) {
        check(encoding);
        return apply(toString, this, [encoding, ...range]);
      }
      const text = apply(toString, this, ['base64', ...range]);
      return text.replaceAll('+', '-').replaceAll('/', '_').replace(/={1,2}$/, '');
    };
    Buffer.prototype.write = function (...given) {
      return apply(write, this, given.map((each) => (isUrlSafe(each) ? 'base64' : each)));
    };
    return Buffer;
  };
}
