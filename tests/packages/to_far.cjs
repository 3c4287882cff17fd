// Loaded before anything else of an n8n (node --require): whatever it connects to besides this machine is one service
// here, which speaks in the name of whoever is asked for. FAR_PORT is that service's.
'use strict';

const dns = require('node:dns');
const net = require('node:net');

const port = Number(process.env.FAR_PORT);
const near = (host) => !host || host === 'localhost' || host === '::1' || host.startsWith('127.');

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [options, done] = Array.isArray(given[0]) ? given[0] : net._normalizeArgs(given);
  const there = options.path || near(options.host) ? options : { ...options, host: '127.0.0.1', port, lookup: undefined };
  return done ? connect.call(this, there, done) : connect.call(this, there);
};

const { lookup } = dns;
dns.lookup = (host, ...rest) => (near(host) ? lookup(host, ...rest) : lookup('127.0.0.1', ...rest));
const { lookup: promised } = dns.promises;
dns.promises.lookup = (host, ...rest) => (near(host) ? promised(host, ...rest) : promised('127.0.0.1', ...rest));
