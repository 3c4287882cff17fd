// Runs each of its tools itself, with what stands in its parameter.
'use strict';

class Direct {
  description = {
    name: 'direct',
    displayName: 'Direct',
    group: ['transform'],
    version: 1,
    inputs: ['main', { type: 'ai_tool', displayName: 'Tool', required: true }],
    outputs: ['main'],
    properties: [{ name: 'query', displayName: 'Query', type: 'json', default: '{}' }],
  };

  async execute() {
    const tools = await this.getInputConnectionData('ai_tool', 0);
    const query = JSON.parse(this.getNodeParameter('query', 0));
    const answers = [];
    for (const tool of tools) answers.push({ json: { tool: tool.name, answer: await tool.invoke(query) } });
    return [answers];
  }
}

module.exports = { Direct };
