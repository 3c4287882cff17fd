// A node that works by itself and as a tool.
'use strict';

class Lookup {
  description = {
    name: 'lookup',
    displayName: 'Lookup',
    description: 'Looks something up',
    group: ['transform'],
    version: 1,
    usableAsTool: true,
    inputs: ['main'],
    outputs: ['main'],
    properties: [
      { name: 'what', displayName: 'What', type: 'string', default: '' },
      { name: 'fails', displayName: 'Fails', type: 'boolean', default: false },
    ],
  };

  async execute() {
    return [
      this.getInputData().map(({ json }, item) => {
        if (this.getNodeParameter('fails', item)) throw new Error('Nothing is found');
        return { json: { about: this.getNodeParameter('what', item), tool: this.isToolExecution(), seen: json } };
      }),
    ];
  }
}

module.exports = { Lookup };
