// Asks its model for each item; a line { call, with } of the model has the engine run that tool.
'use strict';

const inputs = `={{ ((hasMemory) => {
  const model = { type: 'ai_languageModel', displayName: 'Model', required: true, maxConnections: 1 };
  const memory = { type: 'ai_memory', displayName: 'Memory', maxConnections: 1, filter: { nodes: [] }};
  return ['main', model, ...(hasMemory ? [memory] : []), { type: 'ai_tool', displayName: 'Tool' }];
})($parameter.remembers) }}`;

/** The calls of tools that people have let pass. */
const approvedCalls = (response) =>
  (response?.actionResponses ?? [])
    .filter(({ action, data }) => action.metadata.gated && data.data.ai_tool[0][0].json.data?.approved)
    .map(({ action: { id, nodeName, type, metadata: { gated, given, itemIndex } } }) => {
      const metadata = { itemIndex, parentNodeName: nodeName };
      return { actionType: 'ExecutionNodeAction', nodeName: gated, input: given, type, id, metadata };
    });

class Assistant {
  description = {
    name: 'assistant',
    displayName: 'Assistant',
    group: ['transform'],
    version: 1,
    inputs,
    outputs: ['main'],
    properties: [
      { name: 'text', displayName: 'Text', type: 'string', default: '' },
      { name: 'remembers', displayName: 'Remembers', type: 'boolean', default: true },
    ],
  };

  async execute(response) {
    const approved = approvedCalls(response);
    if (approved.length) return { actions: approved, metadata: response.metadata };
    const rounds = response?.metadata.rounds ?? 0;
    const actions = [];
    const outputs = [];
    for (const item of this.getInputData().keys()) {
      const model = await this.getInputConnectionData('ai_languageModel', item);
      const memory = await this.getInputConnectionData('ai_memory', item);
      const find = () => this.getInputConnectionData('ai_tool', item);
      const tools = await find().catch(find); // n8n's agents ask again, too
      const results = (response?.actionResponses ?? [])
        .filter(({ action }) => action.metadata.itemIndex === item)
        .map(({ data }) => data.data.ai_tool[0].map(({ json }) => json));
      const said = await model.ask([this.getNodeParameter('text', item), ...results]);
      if (said.call) {
        const gated = tools.find(({ name }) => name === said.call)?.metadata?.gatedToolNodeName;
        const metadata = { itemIndex: item, ...(gated ? { gated, given: said.with } : {}) };
        const nodeName = gated ? said.by : said.call;
        const input = gated ? { tool: said.call, toolParameters: said.with } : said.with;
        actions.push({ actionType: 'ExecutionNodeAction', nodeName, input, type: 'ai_tool', id: `call ${item}`, metadata });
      }
      if (memory && !said.call) await memory.save(said);
      const described = tools.map(({ name, description, schema }) => ({ name, description, properties: schema?.properties }));
      outputs.push({ json: { said, tools: described, results, remembered: memory ? await memory.load() : [] } });
    }
    return actions.length ? { actions, metadata: { rounds: rounds + 1 } } : [outputs];
  }
}

module.exports = { Assistant };
