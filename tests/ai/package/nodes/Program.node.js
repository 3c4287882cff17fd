// A tool that is a program of the workflow's own.
'use strict';

class Program {
  description = {
    name: 'program',
    displayName: 'Program',
    group: ['transform'],
    version: 1,
    inputs: [],
    outputs: ['ai_tool'],
    properties: [{ name: 'code', displayName: 'Code', type: 'string', default: '', noDataExpression: true }],
  };

  async supplyData(item) {
    const code = this.getNodeParameter('code', item);
    const invoke = async (query) => {
      const { ok, result, error } = await this.startJob('javascript', { code, additionalProperties: { query } }, item);
      return ok ? result : `It failed: ${error.message}`;
    };
    return { response: { name: this.getNode().name, description: 'Program', invoke } };
  }
}

module.exports = { Program };
