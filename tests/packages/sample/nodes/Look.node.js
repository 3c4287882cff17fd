// A trigger that looks: it finds one item more each time, and nothing at first.
'use strict';

const { NodeConnectionTypes } = require('n8n-workflow');

exports.Look = class Look {
  description = {
    displayName: 'Look',
    name: 'look',
    group: ['trigger'],
    version: 1,
    polling: true,
    inputs: [],
    outputs: [NodeConnectionTypes.Main],
    properties: [
      { displayName: 'Word', name: 'word', type: 'string', default: 'found' },
      { displayName: 'Kept', name: 'kept', type: 'boolean', default: true },
    ],
  };

  async poll() {
    const data = this.getWorkflowStaticData('node');
    const number = data.number ?? 0;
    data.number = number + 1;
    if (number === 0) return null;
    const word = this.getNodeParameter('word');
    const other = this.getNodeParameter('nosuch', 'fallback');
    const about = { mode: this.getMode(), activation: this.getActivationMode(), patient: this.getPollBudgetMs() > 0 };
    const [{ mode: every }] = this.getNodeParameter('pollTimes.item', []);
    return [Array.from({ length: number }, (_, index) => ({ json: { word, other, index, every, ...about } }))];
  }
};
