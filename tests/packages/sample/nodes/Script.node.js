// Runs what its parameter says with the context of the node, so that tests may try anything that a node may.
'use strict';

const AsyncFunction = (async () => {}).constructor;

exports.Script = class Script {
  description = {
    displayName: 'Script',
    name: 'script',
    group: ['transform'],
    version: 1,
    description: 'Runs a program',
    defaults: { name: 'Script' },
    inputs: ['main'],
    outputs: "={{ Array($parameter.outputs).fill({ type: 'main' }) }}",
    credentials: [{ name: 'sampleApi' }, { name: 'tokenApi' }, { name: 'plainApi', testedBy: 'looks' }],
    properties: [
      { displayName: 'Code', name: 'code', type: 'string', default: '' },
      { displayName: 'Outputs', name: 'outputs', type: 'number', default: 1 },
      { displayName: 'Value', name: 'value', type: 'string', default: '={{ $json.n }}' },
      { displayName: 'Mode', name: 'mode', type: 'options', options: [{ name: 'A', value: 'a' }, { name: 'B', value: 'b' }], default: 'a' },
      { displayName: 'Only B', name: 'onlyB', type: 'string', default: 'b!', displayOptions: { show: { mode: ['b'] } } },
      {
        displayName: 'Place',
        name: 'place',
        type: 'resourceLocator',
        default: { mode: 'url', value: '' },
        modes: [
          { displayName: 'By URL', name: 'url', type: 'string', extractValue: { type: 'regex', regex: 'https://example\\.com/([a-z]+)/?' } },
          { displayName: 'By ID', name: 'id', type: 'string' },
        ],
      },
      {
        displayName: 'Columns',
        name: 'columns',
        type: 'resourceMapper',
        default: { mappingMode: 'defineBelow', value: null },
      },
      {
        displayName: 'Added',
        name: 'added',
        type: 'resourceMapper',
        default: { mappingMode: 'defineBelow', value: null },
        typeOptions: { resourceMapper: { mode: 'add' } },
      },
      {
        displayName: 'Converted',
        name: 'converted',
        type: 'resourceMapper',
        default: { mappingMode: 'defineBelow', value: null },
        typeOptions: { resourceMapper: { mode: 'map', showTypeConversionOptions: true } },
      },
      { displayName: 'The Size', name: 'size', type: 'number', default: 1, validateType: 'number' },
      { displayName: 'The Body', name: 'body', type: 'json', default: '{ "a": 1 }', validateType: 'object' },
      { displayName: 'A Word', name: 'word', type: 'string', default: 'ab', validateType: 'string-alphanumeric' },
      { displayName: 'Free', name: 'free', type: 'number', default: 1, validateType: 'number', ignoreValidationDuringExecution: true },
      {
        displayName: 'Limits',
        name: 'limits',
        type: 'collection',
        default: {},
        options: [
          { displayName: 'Most', name: 'most', type: 'number', default: 10, validateType: 'number' },
          { displayName: 'Site', name: 'site', type: 'string', default: '', validateType: 'url' },
          { displayName: 'Order', name: 'order', type: 'options', options: [{ name: 'Up', value: 'up' }], default: 'up', validateType: 'options' },
        ],
      },
      {
        displayName: 'Rows',
        name: 'rows',
        type: 'fixedCollection',
        typeOptions: { multipleValues: true },
        default: {},
        options: [{ displayName: 'Row', name: 'row', values: [{ displayName: 'The Count', name: 'count', type: 'number', default: 1, validateType: 'number' }] }],
      },
      { displayName: 'Conditions', name: 'conditions', type: 'filter', default: {} },
      { displayName: 'Assignments', name: 'assignments', type: 'assignmentCollection', default: {} },
      {
        displayName: 'Rules',
        name: 'rules',
        type: 'fixedCollection',
        typeOptions: { multipleValues: true },
        default: {},
        options: [{ displayName: 'Rule', name: 'values', values: [{ displayName: 'If', name: 'if', type: 'filter', default: {} }] }],
      },
      {
        displayName: 'Options',
        name: 'options',
        type: 'collection',
        default: {},
        options: [
          { displayName: 'Limit', name: 'limit', type: 'number', default: 10 },
          { displayName: 'Flag', name: 'flag', type: 'boolean', default: true },
        ],
      },
      {
        displayName: 'Fields',
        name: 'fields',
        type: 'fixedCollection',
        typeOptions: { multipleValues: true },
        default: {},
        options: [
          {
            displayName: 'Field',
            name: 'field',
            values: [
              { displayName: 'Name', name: 'name', type: 'string', default: '' },
              { displayName: 'Kind', name: 'kind', type: 'string', default: 'text' },
            ],
          },
        ],
      },
    ],
  };

  methods = {
    credentialTest: {
      async looks({ type, data: { url, token, path } }) {
        const answer = await this.helpers.request({ uri: url + path, simple: false, resolveWithFullResponse: true });
        if (answer.statusCode === 418) throw new Error(`No tea for ${token}`);
        if (answer.statusCode === 200) return { status: 'OK', message: 'Fine' };
        return { status: 'Error', message: `${type} ${answer.statusCode}: ${token}` };
      },
    },
  };

  async execute() {
    const work = new AsyncFunction('require', this.getNodeParameter('code', 0));
    return work.call(this, require);
  }
};
