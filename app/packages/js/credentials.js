// The credentials of a call: those that the node's type declares, with what their own types make of them.
'use strict';

const { asking } = require('./calls.js');
const { evaluate, isExpression } = require('./expressions.js');
const { instanceOf } = require('./loading.js');
const { OwnMap } = require('./own.js');
const { httpRequest, request } = require('./requests.js');

/** A credential type and those that it extends, nearest first: [{ name, type }]; what is not a package's has no type. */
function lineageOf(types, name, seen = new Set()) {
  if (seen.has(name)) return [];
  seen.add(name);
  const known = types[name];
  const type = known?.file ? instanceOf(known) : undefined;
  const parents = type?.extends ?? known?.extends ?? [];
  return [{ name, type }, ...parents.flatMap((parent) => lineageOf(types, parent, seen))];
}

/** The access token among what a credential holds, also where a service puts it elsewhere. */
const accessToken = (data) => data?.oauthTokenData?.access_token || data?.oauthTokenData?.authed_user?.access_token;

class Credentials {
  #read = new OwnMap();

  /** The access tokens that the call was given last, by type. */
  #shown = new OwnMap();

  constructor(call) {
    this.call = call;
    this.types = call.request.credentialTypes ?? {};
  }

  isOfType(name, wanted) {
    return lineageOf(this.types, name).some((each) => each.name === wanted);
  }

  /** The first of the lineage that has this property, and what it has. */
  from(name, property) {
    return lineageOf(this.types, name).find(({ type }) => type?.[property] !== undefined)?.type;
  }

  /** What the node's credential of this type holds, with the defaults of the type. */
  async get(name) {
    if (!this.#read.has(name)) this.#read.set(name, this.#complete(name));
    return this.#read.get(name);
  }

  async #complete(name) {
    const { data } = await this.call.ask('credential', { type: name });
    this.#shown.set(name, accessToken(data));
    return this.withDefaults(name, data);
  }

  /** What a credential of OAuth2 holds, with another access token than `refused`, or than the one that is stored (`anew`). */
  async connected(name, asked) {
    const { data } = await this.call.ask('oauth2', { type: name, ...asked });
    this.#shown.set(name, accessToken(data));
    return data;
  }

  /** The same with another token than the call was given last. */
  renewed(name) {
    const refused = this.#shown.get(name);
    return this.connected(name, refused ? { refused } : { anew: true });
  }

  withDefaults(name, data) {
    const made = { ...data };
    const properties = lineageOf(this.types, name).flatMap(({ type }) => type?.properties ?? []);
    for (const { name: field, default: value } of properties) if (made[field] === undefined && value !== undefined) made[field] = value;
    // What a type derives from other fields is the type's; what a user has written as an expression stays text.
    for (const { name: field, default: value } of properties) {
      if (isExpression(value) && made[field] === value) made[field] = evaluate(value, { $self: made });
    }
    return made;
  }

  /** The hidden field of a type in which a token is kept that is fetched before its use; undefined where there is none. */
  expirable(name) {
    const type = this.from(name, 'preAuthentication');
    return type?.properties?.find(({ type: kind, typeOptions }) => kind === 'hidden' && typeOptions?.expirable)?.name;
  }

  /** A credential with a token that was fetched: as it was kept, another one than was `refused`, or a new one (`anew`). */
  async prepared(name, { refused, anew = false } = {}) {
    const data = await this.get(name);
    const field = this.expirable(name);
    if (!field || (data[field] && data[field] !== refused && !anew)) return data;
    const { data: newer } = await this.call.ask('fetchCredential', { type: name, field, refused: data[field] ?? null });
    if (newer) return Object.assign(data, { [field]: newer[field] });
    let fetched = null;
    try {
      const given = await this.from(name, 'preAuthentication').preAuthentication.call({ helpers: { httpRequest, request } }, data);
      fetched = given ?? null;
    } finally {
      await this.call.ask('keepCredential', { type: name, data: fetched });
    }
    return Object.assign(data, fetched);
  }

  /** The options of a request with what proves who calls. */
  async authenticate(name, data, options) {
    const type = this.from(name, 'authenticate');
    const how = type?.authenticate;
    if (how === undefined) return options;
    if (typeof how === 'function') return how.call(type, data, options);
    return describedAuthentication(how, data, options);
  }
}

/** What an `authenticate` that is described puts into a request. */
function describedAuthentication({ type, properties = {} }, data, options) {
  const made = { ...options };
  const put = (place, values) => (made[place] = { ...made[place], ...values });
  const field = (key, otherwise) => data[properties[key] ?? otherwise];
  if (type === 'generic') {
    const { auth, body, headers, qs, skipSslCertificateValidation } = evaluate(properties, { $credentials: data });
    for (const [place, values] of Object.entries({ headers, qs })) if (values) put(place, values);
    if (body && (made.body === undefined || Object.getPrototypeOf(made.body) === Object.prototype)) put('body', body);
    if (auth) made.auth = auth;
    if (skipSslCertificateValidation) made.skipSslCertificateValidation = true;
  } else if (type === 'basicAuth') {
    made.auth = { username: field('userPropertyName', 'user'), password: field('passwordPropertyName', 'password') };
  } else if (type === 'bearer') {
    put('headers', { Authorization: `Bearer ${field('tokenPropertyName', 'accessToken')}` });
  } else if (type === 'headerAuth') {
    put('headers', { [field('name', 'name')]: field('value', 'value') });
  } else if (type === 'queryAuth') {
    put('qs', { [properties.key]: field('value', 'value') });
  }
  return made;
}

const credentialsOf = (call = asking()) => (call.credentials ??= new Credentials(call));

module.exports = { accessToken, credentialsOf };
