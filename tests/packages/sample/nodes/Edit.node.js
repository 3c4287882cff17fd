// Gives each item the fields that its parameters say: what Edit Fields does, in a package.
'use strict';

exports.Edit = class Edit {
  description = {
    displayName: 'Edit',
    name: 'edit',
    group: ['transform'],
    version: 1,
    description: 'Adds fields',
    defaults: { name: 'Edit' },
    inputs: ['main'],
    outputs: ['main'],
    properties: [
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
              { displayName: 'Value', name: 'value', type: 'string', default: '' },
            ],
          },
        ],
      },
    ],
  };

  async execute() {
    return [
      this.getInputData().map((item, index) => {
        const fields = this.getNodeParameter('fields.field', index, []);
        return { json: { ...item.json, ...Object.fromEntries(fields.map(({ name, value }) => [name, value])) }, pairedItem: { item: index } };
      }),
    ];
  }
};
