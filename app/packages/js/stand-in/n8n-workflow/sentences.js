// What users read in place of a status or of a broken connection: the same as the nodes of this program say.
'use strict';

const STATUSES = {
  400: 'Bad request - please check your parameters',
  401: 'Authorization failed - please check your credentials',
  402: 'Payment required - perhaps check your payment details?',
  403: 'Forbidden - perhaps check your credentials?',
  404: 'The resource you are requesting could not be found',
  405: 'Method not allowed - please check you are using the right HTTP method',
  429: 'The service is receiving too many requests from you',
  500: 'The service was not able to process your request',
  502: 'Bad gateway - the service failed to handle your request',
  503: 'Service unavailable - try again later or consider setting this node to retry automatically (in the node settings)',
  504: 'Gateway timed out - perhaps try again later?',
};
const CONNECTIONS = {
  ECONNREFUSED: 'The service refused the connection - perhaps it is offline',
  ECONNRESET:
    'The connection to the server was closed unexpectedly, perhaps it is offline. You can retry the request immediately or wait and retry later.',
  ENOTFOUND: 'The connection cannot be established, this usually occurs due to an incorrect host (domain) value',
  ETIMEDOUT: "The connection timed out, consider setting the 'Retry on Fail' option in the node settings",
  ERRADDRINUSE: 'The port is already occupied by some other application, if possible change the port or kill the application that is using it',
  EADDRNOTAVAIL: 'The address is not available, ensure that you have the right IP address',
  ECONNABORTED: 'The connection was aborted, perhaps the server is offline',
  EHOSTUNREACH: 'The host is unreachable, perhaps the server is offline',
  EAI_AGAIN: 'The DNS server returned an error, perhaps the server is offline',
  ENOENT: 'The file or directory does not exist',
  EISDIR: 'The file path was expected but the given path is a directory',
  ENOTDIR: 'The directory path was expected but the given path is a file',
  EACCES: 'Forbidden by access permissions, make sure you have the right permissions',
  EEXIST: 'The file or directory already exists',
  EPERM: 'Operation not permitted, make sure you have the right permissions',
};
const UNKNOWN = 'There was an unknown issue while executing the node';

/** The sentence for a status, a number or its text; undefined for one that is no failure. */
function ofStatus(status) {
  const number = Number(status);
  if (!(number >= 400 && number < 600)) return undefined;
  if (STATUSES[number]) return STATUSES[number];
  return number < 500
    ? 'Your request is invalid or could not be processed by the service'
    : 'The service failed to process your request';
}

/** The sentence for what these texts name: a code of a broken connection, or a word of `mapping`. */
function ofWords(texts, mapping = {}) {
  for (const text of texts) {
    if (typeof text !== 'string') continue;
    for (const [word, sentence] of [...Object.entries(mapping), ...Object.entries(CONNECTIONS)]) {
      if (text.includes(word)) return sentence;
    }
  }
  return undefined;
}

module.exports = { UNKNOWN, ofStatus, ofWords };
