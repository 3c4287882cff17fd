// Described, but for one operation, which asks a person: its webhook takes the answer, and starts nothing.
'use strict';

exports.Asks = class Asks {
  description = {
    displayName: 'Asks',
    name: 'asks',
    group: ['output'],
    version: 1,
    description: 'Asks a person',
    defaults: { name: 'Asks' },
    inputs: ['main'],
    outputs: ['main'],
    webhooks: [{ name: 'default', httpMethod: 'GET', path: '={{ $nodeId }}', restartWebhook: true, isFullPath: true }],
    credentials: [{ name: 'sampleApi', required: true }],
    requestDefaults: { baseURL: '={{$credentials.url}}' },
    properties: [
      { displayName: 'Resource', name: 'resource', type: 'options', options: [{ name: 'Message', value: 'message' }], default: 'message' },
      {
        displayName: 'Operation',
        name: 'operation',
        type: 'options',
        options: [
          { name: 'Send', value: 'send', routing: { request: { method: 'POST', url: '/echo/sent' } } },
          { name: 'Send and Wait', value: 'sendAndWait' },
        ],
        default: 'send',
      },
    ],
  };

  customOperations = {
    message: {
      async sendAndWait() {
        await this.putExecutionToWait(new Date('2090-01-01T00:00:00Z'));
        return [this.getInputData()];
      },
    },
  };

  async webhook() {
    throw new Error('Our own pages answer');
  }
};
