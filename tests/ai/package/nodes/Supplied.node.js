// A tool that only supplies itself, and a model below it that it may ask.
'use strict';

class Supplied {
  description = {
    name: 'supplied',
    displayName: 'Supplied',
    group: ['transform'],
    version: 1,
    inputs: [{ type: 'ai_languageModel', displayName: 'Model', maxConnections: 1 }],
    outputs: ['ai_tool'],
    properties: [{ name: 'broken', displayName: 'Broken', type: 'boolean', default: false }],
  };

  async supplyData(item) {
    if (this.getNodeParameter('broken', item)) {
      const error = new Error('This tool is broken');
      // As n8n's client of MCP servers does, without any beginning.
      this.addOutputData('ai_tool', item, error);
      throw error;
    }
    const model = await this.getInputConnectionData('ai_languageModel', item);
    const { name } = this.getNode();
    const invoke = async ({ text }) => (model ? await model.ask([text]) : `${name} got ${text}`);
    return { response: { name, description: 'Supplied', invoke } };
  }
}

module.exports = { Supplied };
