// Described, not programmed.
'use strict';

const operation = (value, routing) => ({ name: value, value, routing });
const only = (...operations) => ({ show: { operation: operations } });

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
    requestDefaults: { baseURL: '={{$credentials.url}}', headers: { 'x-one': '={{ "version-" + $version }}' } },
    properties: [
      {
        displayName: 'Operation',
        name: 'operation',
        type: 'options',
        noDataExpression: true,
        default: 'send',
        options: [
          operation('send', { request: { method: 'POST', url: '=/echo/{{$parameter["id"]}}' } }),
          operation('pages', {
            request: { method: 'GET', url: '/pages' },
            output: { postReceive: [{ type: 'rootProperty', properties: { property: 'rows' } }] },
            send: { paginate: true },
            operations: {
              pagination: {
                type: 'generic',
                properties: { continue: '={{ !$response.body.last }}', request: { qs: { page: '={{ $pageCount + 1 }}' } } },
              },
            },
          }),
          operation('file', {
            request: { method: 'GET', url: '/file', encoding: 'arraybuffer' },
            output: { postReceive: [{ type: 'binaryData', properties: { destinationProperty: 'data' } }] },
          }),
          operation('shape', {
            request: { method: 'GET', url: '/rows?page=1' },
            output: {
              postReceive: [
                { type: 'filter', properties: { pass: '={{ $responseItem.row > 0 }}' } },
                { type: 'setKeyValue', properties: { number: '={{ $responseItem.row }}', of: '={{ $parameter.id }}' } },
                { type: 'sort', properties: { key: 'number' } },
                { type: 'limit', properties: { maxResults: '={{ 1 + 0 }}' } },
                async function mark(items) {
                  return items.map((item) => ({ json: { ...item.json, item: this.getItemIndex(), id: this.getNodeParameter('id') } }));
                },
              ],
            },
          }),
          operation('place', { request: { method: 'GET', url: '=/echo/{{toPathSegment($parameter.place)}}' } }),
          operation('bare'),
          operation('broken', {
            request: { method: 'GET', url: '/echo/broken', qs: { bad: '={{ JSON.parse("{") }}', index: '={{ typeof $index }}' } },
          }),
          operation('nowhere', {
            request: { method: 'GET', url: '/object' },
            output: { postReceive: [{ type: 'rootProperty', properties: { property: 'nowhere' } }] },
          }),
          operation('scalars', {
            request: { method: 'GET', url: '/object' },
            output: { postReceive: [{ type: 'rootProperty', properties: { property: 'b.c' } }] },
          }),
          operation('text', {
            request: { method: 'GET', url: '/object' },
            output: { postReceive: [{ type: 'set', properties: { value: 'done' } }] },
          }),
          operation('offset', {
            request: { method: 'GET', url: '/echo/offset' },
            send: { paginate: true },
            output: {
              maxResults: 3,
              postReceive: [
                async function twice([{ json }]) {
                  return [{ json: { path: json.path } }, { json: { path: json.path } }];
                },
              ],
            },
            operations: { pagination: { type: 'offset', properties: { limitParameter: 'limit', offsetParameter: 'page.offset', pageSize: 2, type: 'query' } } },
          }),
          operation('fails', { request: { method: 'GET', url: '/error-nested' } }),
        ],
      },
      { displayName: 'Id', name: 'id', type: 'string', default: 'seven', required: true },
      {
        displayName: 'Place',
        name: 'place',
        type: 'resourceLocator',
        default: { mode: 'url', value: '' },
        displayOptions: only('place'),
        modes: [{ displayName: 'URL', name: 'url', type: 'string', extractValue: { type: 'regex', regex: 'https://places/([^?]+)' } }],
      },
      {
        displayName: 'Title',
        name: 'title',
        type: 'string',
        default: '',
        displayOptions: only('send'),
        routing: {
          send: {
            type: 'body',
            property: 'thing.title',
            value: '={{ $value.toUpperCase() }}',
            preSend: [
              async function sign(options) {
                return { ...options, headers: { ...options.headers, 'x-two': `signed ${this.getNodeParameter('title')}` } };
              },
            ],
          },
        },
      },
      {
        displayName: 'More',
        name: 'more',
        type: 'collection',
        default: {},
        displayOptions: only('send'),
        options: [
          { displayName: 'Limit', name: 'limit', type: 'number', default: 5, routing: { send: { type: 'query', property: 'limit' } } },
          { displayName: 'Page', name: 'page', type: 'number', default: 1, routing: { request: { qs: { page: '={{ $value }}' } } } },
        ],
      },
      {
        displayName: 'Tags',
        name: 'tags',
        type: 'fixedCollection',
        typeOptions: { multipleValues: true },
        default: {},
        displayOptions: only('send'),
        options: [
          {
            displayName: 'Tag',
            name: 'tag',
            values: [
              { displayName: 'Name', name: 'name', type: 'string', default: '' },
              {
                displayName: 'Value',
                name: 'value',
                type: 'string',
                default: '',
                routing: { send: { type: 'body', property: '=tags[{{$index}}].{{$parent.name}}' } },
              },
            ],
          },
        ],
      },
    ],
  };
};
