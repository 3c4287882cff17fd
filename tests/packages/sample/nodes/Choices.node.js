// Offers choices in forms: options, a list to search in, the fields of a table.
'use strict';

const list = { displayName: 'List', name: 'list', type: 'options', typeOptions: { loadOptionsMethod: 'getLists' }, default: '' };
const routing = {
  request: { url: '=/say?type=application/json&text={"rows":[{"id":7,"title":"Seven"}]}' },
  output: {
    postReceive: [
      { type: 'rootProperty', properties: { property: 'rows' } },
      { type: 'setKeyValue', properties: { name: '={{$responseItem.title}}', value: '={{$responseItem.id}}' } },
    ],
  },
};

exports.Choices = class Choices {
  description = {
    displayName: 'Choices',
    name: 'choices',
    group: ['output'],
    version: 1,
    inputs: ['main'],
    outputs: ['main'],
    credentials: [{ name: 'sampleApi', required: true }],
    requestDefaults: { baseURL: '={{$credentials.url}}' },
    properties: [
      { displayName: 'Team', name: 'team', type: 'string', default: 'ours' },
      list,
      { displayName: 'Row', name: 'row', type: 'options', typeOptions: { loadOptions: { routing } }, default: '' },
      {
        displayName: 'Groups',
        name: 'groups',
        type: 'fixedCollection',
        default: {},
        options: [{ name: 'group', values: [list, { displayName: 'Kind', name: 'kind', type: 'string', default: 'a' }] }],
      },
    ],
  };

  methods = {
    loadOptions: {
      async getLists() {
        const { token } = await this.getCredentials('sampleApi');
        const seen = [this.getNodeParameter('team'), this.getCurrentNodeParameter('team'), this.getCurrentNodeParameter('&kind'), this.getCurrentNodeParameters().team];
        return seen.map((value, index) => ({ name: `${index}`, value })).concat({ name: 'token', value: token });
      },
      async getRefused() {
        return this.helpers.httpRequestWithAuthentication.call(this, 'sampleApi', { url: '/status/403', baseURL: (await this.getCredentials('sampleApi')).url });
      },
      async getHalf() {
        return [{ name: '\ud83d', value: '' }];
      },
      async getTold() {
        throw new Error(`it has ${(await this.getCredentials('sampleApi')).token}`);
      },
      async getMuch() {
        return [{ name: 'x'.repeat(5e6), value: '' }];
      },
    },
    listSearch: {
      async search(filter, paginationToken) {
        return { results: [{ name: `${filter}`, value: `${paginationToken}`, url: 'https://example.com' }], paginationToken: 2 };
      },
    },
    resourceMapping: {
      async getColumns() {
        return { fields: [{ id: 'a', displayName: 'A', required: false, defaultMatch: false, display: true, type: 'string' }] };
      },
    },
  };

  async execute() {
    return [this.getInputData()];
  }
};
