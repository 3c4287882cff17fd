// The certificates that the worker trusts besides those that Node.js brings: they lie in a file of the temporary folder
// when the process starts.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads the file, if there is one; gives what is to be called before the first connection that speaks TLS. */
function readTrusted(scratch) {
  const file = path.join(scratch, 'trusted.pem');
  let waiting = fs.existsSync(file) ? fs.readFileSync(file, 'latin1').match(CERTIFICATE) : null;
  return () => {
    // Node.js reads all of them each time that they are set: nothing is done where nobody needs it.
    if (waiting) tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...waiting]);
    waiting = null;
  };
}

module.exports = { readTrusted };
