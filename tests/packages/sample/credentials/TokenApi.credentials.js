// Fetches a token before it is used.
'use strict';

exports.TokenApi = class TokenApi {
  name = 'tokenApi';
  displayName = 'Token API';
  properties = [
    { displayName: 'URL', name: 'url', type: 'string', default: '' },
    { displayName: 'Path', name: 'path', type: 'string', default: '/echo' },
    { displayName: 'Token', name: 'token', type: 'hidden', typeOptions: { expirable: true }, default: '' },
  ];
  test = {
    request: { baseURL: '={{$credentials.url}}', url: '={{$credentials.path}}' },
    rules: [
      { type: 'responseCode', properties: { value: 418, message: 'It is a teapot' } },
      { type: 'responseSuccessBody', properties: { key: 'ok', value: 'no', message: 'It says no' } },
    ],
  };

  async preAuthentication({ url }) {
    const { count } = await this.helpers.httpRequest({ url: `${url}/flaky?key=tokens&after=0`, json: true });
    return { token: `token-number-${count}` };
  }

  async authenticate({ token, path }, options) {
    if (path === '/throw') throw new Error(`It cannot be proved by ${token}`);
    return { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } };
  }
};
