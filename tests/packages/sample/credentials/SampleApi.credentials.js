'use strict';

exports.SampleApi = class SampleApi {
  name = 'sampleApi';
  displayName = 'Sample API';
  documentationUrl = 'https://example.com/docs';
  properties = [
    { displayName: 'URL', name: 'url', type: 'string', default: 'https://example.com' },
    { displayName: 'Token', name: 'token', type: 'string', typeOptions: { password: true }, default: '' },
  ];
  authenticate = { type: 'generic', properties: { headers: { Authorization: '=Bearer {{$credentials.token}}' } } };
  test = {
    request: { baseURL: '={{$credentials.url}}', url: '/me' },
    rules: [
      { type: 'responseCode', properties: { value: 418, message: 'It is a teapot' } },
      { type: 'responseSuccessBody', properties: { key: 'ok', value: 'no', message: 'It says no' } },
    ],
  };
};
