// A memory that lasts as long as its process.
'use strict';

const kept = new Map();

class Memory {
  description = {
    name: 'memory',
    displayName: 'Scripted Memory',
    group: ['transform'],
    version: 1,
    inputs: [],
    outputs: ['ai_memory'],
    properties: [{ name: 'key', displayName: 'Key', type: 'string', default: '', required: true }],
  };

  async supplyData(item) {
    const key = `${this.getWorkflow().id} ${this.getNodeParameter('key', item)}`;
    const noted = (action, values) => {
      const { index } = this.addInputData('ai_memory', [[{ json: { action } }]]);
      this.addOutputData('ai_memory', index, [[{ json: { action, values } }]]);
      return values;
    };
    return {
      response: {
        load: async () => noted('load', [...(kept.get(key) ?? [])]),
        save: async (text) => {
          kept.set(key, [...(kept.get(key) ?? []), text]);
          return noted('save', kept.get(key));
        },
      },
    };
  }
}

module.exports = { Memory };
