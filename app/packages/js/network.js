// The only way out of a package process: each connection is a stream over its frames, which the worker opens where the
// rules allow it. Whatever connects in Node (net, tls, http, https, fetch, and what is built on them) comes by here.
// A frame: the connection (u32), what it is (u8), its bytes.
'use strict';

const dns = require('node:dns');
const http = require('node:http');
const net = require('node:net');
const tls = require('node:tls');

const { current, errorOf } = require('./calls.js');
const { OwnMap, OwnWeakMap } = require('./own.js');

const [OPEN, DATA, END, CLOSE, ACK] = [0, 1, 2, 3, 4];
const PIECE = 1 << 18;
const ATTACHED = Symbol('attached');

/** Connections of each call: number -> what is known of it. */
const connections = new OwnWeakMap();

function send(call, number, kind, bytes = Buffer.alloc(0)) {
  const head = Buffer.allocUnsafe(5);
  head.writeUInt32BE(number);
  head[4] = kind;
  call.stream(Buffer.concat([head, bytes]));
}

const sizeOf = (count) => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(count);
  return bytes;
};

function known(call) {
  if (!connections.has(call)) {
    connections.set(call, { last: 0, open: new OwnMap() });
    call.atEnd(() => {
      connections.get(call).open.forEach(({ socket }) => socket.destroy());
    });
  }
  return connections.get(call);
}

const failure = (code, message) => Object.assign(new Error(message), { code, errno: code, syscall: 'connect' });

/** Lets a socket speak over the frames of the call that opens it. */
function attach(socket, options) {
  const call = current();
  if (!call || options.path) {
    const [code, why] = call ? ['ECONNREFUSED', 'Unix sockets are out of reach'] : ['ENETUNREACH', 'No call is running'];
    process.nextTick(() => socket.destroy(failure(code, `connect ${code}: ${why}`)));
    return;
  }
  const list = known(call);
  const number = (list.last += 1);
  const host = options.host ?? 'localhost';
  const port = Number(options.port);
  const about = { socket, wrote: undefined, unread: 0 };
  list.open.set(number, about);
  socket[ATTACHED] = true;
  socket.connecting = true;
  socket._host = host;
  const destroy = socket._destroy;
  const whenOpen = (work) => (socket.connecting ? socket.once('connect', work) : work());
  Object.defineProperty(socket, 'pending', { get: () => socket.connecting, configurable: true });
  socket.ref = socket.unref = () => socket;
  socket._read = () => {
    if (about.unread) send(call, number, ACK, sizeOf(about.unread));
    about.unread = 0;
  };
  const write = (bytes, done) => {
    socket._unrefTimer?.();
    const piece = bytes.subarray(0, PIECE);
    about.wrote = (error) => (error || piece.length === bytes.length ? done(error) : write(bytes.subarray(PIECE), done));
    send(call, number, DATA, piece);
  };
  socket._write = (piece, encoding, done) => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, encoding) : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    whenOpen(() => write(bytes, done));
  };
  socket._writev = (pieces, done) => {
    const bytes = Buffer.concat(pieces.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)));
    whenOpen(() => write(bytes, done));
  };
  socket._final = (done) =>
    whenOpen(() => {
      send(call, number, END);
      done();
    });
  socket._destroy = (error, done) => {
    if (list.open.delete(number)) send(call, number, CLOSE);
    about.wrote?.(error ?? failure('ECONNRESET', 'The socket was closed'));
    destroy.call(socket, error, done);
  };
  send(call, number, OPEN, Buffer.from(JSON.stringify({ host, port })));
}

const heard = {
  [OPEN](about, bytes) {
    const { socket } = about;
    socket._peername = JSON.parse(bytes.toString());
    socket._sockname = { address: '127.0.0.1', port: 1024, family: 'IPv4' };
    socket.connecting = false;
    socket.emit('connect');
    socket.emit('ready');
    if (!socket.isPaused()) socket.read(0);
  },
  [DATA](about, bytes, call, number) {
    about.socket._unrefTimer?.();
    // What was read becomes the socket's own: the frame's memory is shared with others.
    if (about.socket.push(Buffer.from(bytes))) send(call, number, ACK, sizeOf(bytes.length));
    else about.unread += bytes.length;
  },
  [END]({ socket }) {
    socket.push(null);
    socket.read(0);
  },
  [CLOSE]({ socket }, bytes) {
    socket.destroy(bytes.length ? errorOf(JSON.parse(bytes.toString())) : undefined);
  },
  [ACK](about) {
    const { wrote } = about;
    about.wrote = undefined;
    wrote?.();
  },
};

/** What the worker says about a connection of the call. */
function received(call, payload) {
  const number = payload.readUInt32BE(0);
  const about = connections.get(call)?.open.get(number);
  if (about) heard[payload[4]]?.(about, payload.subarray(5), call, number);
}

const lookUp = async (host, options) => {
  const call = current();
  if (!call) throw failure('ENOTFOUND', `getaddrinfo ENOTFOUND ${host}`);
  const found = net.isIP(host) ? [host] : (await call.ask('lookUp', { host: String(host) })).addresses;
  const all = found.map((address) => ({ address, family: net.isIP(address) }));
  const fitting = all.filter(({ family }) => !options.family || `IPv${family}` === `${options.family}` || family === Number(options.family));
  if (!fitting.length) throw failure('ENOTFOUND', `getaddrinfo ENOTFOUND ${host}`);
  return options.all ? fitting : fitting[0];
};
const optionsOf = (given) => (typeof given === 'object' && given !== null ? given : { family: typeof given === 'number' ? given : 0 });

function fenceNames() {
  dns.promises.lookup = (host, options) => lookUp(host, optionsOf(options));
  dns.lookup = (host, ...rest) => {
    const done = rest.pop();
    const options = optionsOf(rest[0]);
    lookUp(host, options).then(
      (found) => (options.all ? done(null, found) : done(null, found.address, found.family)),
      (error) => done(Object.assign(error, { code: error.code ?? 'ENOTFOUND', hostname: host, syscall: 'getaddrinfo' })),
    );
  };
}

/** Other questions find no name server; these read the machine's own lists of hosts and of name servers. */
function fenceAddresses() {
  const refused = (address, syscall = 'getHostByAddr') => Object.assign(new Error(`${syscall} ECONNREFUSED ${address}`), { code: 'ECONNREFUSED', syscall });
  dns.promises.reverse = dns.promises.Resolver.prototype.reverse = async (address) => {
    throw refused(address);
  };
  dns.reverse = dns.Resolver.prototype.reverse = (address, done) => void process.nextTick(done, refused(address));
  dns.promises.lookupService = async (address) => {
    throw refused(address, 'getnameinfo');
  };
  dns.lookupService = (address, port, done) => void process.nextTick(done, refused(address, 'getnameinfo'));
  for (const each of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) each.getServers = () => [];
}

/** `trust` is called before each connection that speaks TLS. */
function fenceSecure(trust) {
  const connect = tls.connect;
  tls.connect = (...given) => {
    trust();
    const done = typeof given.at(-1) === 'function' ? given.pop() : undefined;
    const named = given.filter((each) => typeof each === 'object' && each !== null);
    const plain = given.filter((each) => typeof each !== 'object');
    const options = Object.assign({}, ...named);
    if (plain.length) options.port = plain[0];
    if (typeof plain[1] === 'string') options.host = plain[1];
    if (!options.socket) {
      options.socket = net.connect({ host: options.host ?? 'localhost', port: options.port, path: options.path });
      if (options.timeout) options.socket.setTimeout(options.timeout);
    }
    const secure = connect(options, done);
    // One of ours that is connected already has no handle, and so counts as one that will say so.
    if (secure.connecting && options.socket[ATTACHED] && !options.socket.connecting) options.socket.emit('connect');
    return secure;
  };
}

/** Connections that are kept for later requests are kept for the same call. */
function fenceAgents() {
  const { getName } = http.Agent.prototype;
  http.Agent.prototype.getName = function (options) {
    return `${getName.call(this, options)}:${current()?.id ?? 0}`;
  };
  const inner = globalThis.fetch;
  const Dispatcher = () => globalThis[Symbol.for('undici.globalDispatcher.1')]?.constructor;
  globalThis.fetch = (input, init = {}) => {
    const call = current();
    const Made = Dispatcher();
    if (!call || init.dispatcher || !Made) return inner(input, init);
    if (!call.dispatcher) {
      const dispatcher = (call.dispatcher = new Made());
      call.atEnd(() => void dispatcher.destroy().catch(() => {}));
    }
    return inner(input, { ...init, dispatcher: call.dispatcher });
  };
  // The library behind fetch is loaded, and makes its dispatcher, at the first mention of it.
  void inner('data:,').catch(() => {});
}

function fence(trust) {
  net.Socket.prototype.connect = function (...given) {
    const [options, done] = Array.isArray(given[0]) ? given[0] : net._normalizeArgs(given);
    if (done) this.once('connect', done);
    attach(this, options);
    return this;
  };
  fenceSecure(trust);
  fenceNames();
  fenceAddresses();
  fenceAgents();
}

module.exports = { fence, received };
