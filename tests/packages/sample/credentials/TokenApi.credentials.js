// Fetches a token before it is used.
'use strict';

exports.TokenApi = class TokenApi {
  name = 'tokenApi';
  displayName = 'Token API';
  properties = [
    { displayName: 'URL', name: 'url', type: 'string', default: '' },
    { displayName: 'Token', name: 'token', type: 'hidden', typeOptions: { expirable: true }, default: '' },
  ];

  async preAuthentication({ url }) {
    const { count } = await this.helpers.httpRequest({ url: `${url}/flaky?key=tokens&after=0`, json: true });
    return { token: `token-number-${count}` };
  }

  async authenticate({ token }, options) {
    return { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } };
  }
};
