// A model that says what is in its parameter, one line for each time that it is asked in one call.
'use strict';

class Model {
  description = {
    name: 'model',
    displayName: 'Scripted Model',
    group: ['transform'],
    version: 1,
    inputs: [],
    outputs: ['ai_languageModel'],
    properties: [
      { name: 'lines', displayName: 'Lines', type: 'json', default: '[]' },
      { name: 'named', displayName: 'Its errors name it', type: 'boolean', default: false },
      { name: 'opens', displayName: 'Opens', type: 'boolean', default: false },
    ],
  };

  async supplyData(item) {
    const lines = this.getNodeParameter('lines', item);
    const closed = [];
    const ask = async (messages) => {
      const { index } = this.addInputData('ai_languageModel', [[{ json: { messages } }]]);
      const said = (typeof lines === 'string' ? JSON.parse(lines) : lines)[messages.length - 1];
      if (said === undefined) {
        const error = new Error('The model has nothing to say');
        if (this.getNodeParameter('named', item)) Object.assign(error, { node: this.getNode(), functionality: 'regular' });
        this.addOutputData('ai_languageModel', index, error);
        throw error;
      }
      this.addOutputData('ai_languageModel', index, [[{ json: { response: said } }]]);
      return said;
    };
    return { response: { ask, closed }, closeFunction: async () => void console.log(`closed ${this.getNode().name}`) };
  }
}

module.exports = { Model };
