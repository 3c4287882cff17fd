// Described, not programmed.
'use strict';

exports.Described = class Described {
  description = {
    displayName: 'Described',
    name: 'described',
    group: ['output'],
    version: 1,
    description: 'Asks a service for things',
    defaults: { name: 'Described' },
    inputs: ['main'],
    outputs: ['main'],
    credentials: [{ name: 'sampleApi', required: true }],
    requestDefaults: { baseURL: '={{$credentials.url}}' },
    properties: [
      {
        displayName: 'Operation',
        name: 'operation',
        type: 'options',
        noDataExpression: true,
        default: 'list',
        options: [{ name: 'List', value: 'list', routing: { request: { method: 'GET', url: '/things' } } }],
      },
    ],
  };
};
