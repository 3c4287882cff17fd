// Versioned: version 1 marks items, versions 2 and 2.1 name themselves.
'use strict';

const { NodeConnectionTypes } = require('n8n-workflow');

const base = {
  displayName: 'Echo',
  name: 'echo',
  group: ['transform'],
  description: 'Gives back what it gets',
  defaults: { name: 'Echo' },
  inputs: [NodeConnectionTypes.Main],
  outputs: [NodeConnectionTypes.Main],
  usableAsTool: true,
};
const mark = { displayName: 'Mark', name: 'mark', type: 'string', default: 'seen' };

class First {
  description = { ...base, version: 1, properties: [mark] };

  async execute() {
    const items = this.getInputData();
    return [items.map((item, index) => ({ json: { ...item.json, mark: this.getNodeParameter('mark', index) }, pairedItem: { item: index } }))];
  }
}

class Second {
  constructor(version) {
    this.description = { ...base, version: [2, 2.1], properties: [mark] };
  }

  methods = { loadOptions: { async getMarks() { return [{ name: 'Seen', value: 'seen' }]; } } };

  async execute() {
    return [[{ json: { version: this.getNode().typeVersion } }]];
  }
}

exports.Echo = class Echo {
  description = { ...base, defaultVersion: 2.1 };
  nodeVersions = { 1: new First(), 2: new Second(), 2.1: new Second() };
};
