// Asks a person and waits for the answer, as nodes of chats do: its question is the name of what it notes.
'use strict';

class Question {
  description = {
    name: 'question',
    displayName: 'Question',
    group: ['output'],
    version: 1,
    inputs: ['main'],
    outputs: ['main'],
    webhooks: [{ name: 'default', httpMethod: 'GET', path: '={{ $nodeId }}', restartWebhook: true, isFullPath: true }],
    properties: [
      { name: 'resource', displayName: 'Resource', type: 'options', options: [{ name: 'Message', value: 'message' }], default: 'other' },
      {
        name: 'operation',
        displayName: 'Operation',
        type: 'options',
        displayOptions: { show: { resource: ['message'] } },
        options: [{ name: 'Send and Wait', value: 'sendAndWait' }],
        default: 'send',
      },
      { name: 'message', displayName: 'Message', type: 'string', default: '', required: true },
      { name: 'chatApproval', displayName: 'Within the chat', type: 'boolean', default: false },
    ],
  };

  async execute() {
    this.setMetadata({ asked: this.getNodeParameter('message', 0), link: this.getSignedResumeUrl({ approved: 'true' }) });
    await this.putExecutionToWait(new Date('2090-01-01T00:00:00Z'));
    return [this.getInputData()];
  }

  async webhook() {
    throw new Error('Our own pages answer');
  }
}

module.exports = { Question };
