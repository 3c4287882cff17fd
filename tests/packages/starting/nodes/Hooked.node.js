// Is called by a provider, which it asks to do so.
exports.Hooked = class {
  description = {
    displayName: 'Hooked', name: 'hooked', group: ['trigger'], version: 1, inputs: [], outputs: ['main'],
    webhooks: [
      { name: 'setup', httpMethod: 'GET', path: 'webhook', responseMode: 'onReceived' },
      { name: 'default', httpMethod: 'POST', path: 'webhook', responseMode: '={{$parameter["mode"]}}' },
      { name: 'other', httpMethod: 'POST', path: 'other', responseMode: 'onReceived' },
      { name: 'never', httpMethod: 'POST', path: 'webhook', responseMode: 'onReceived' },
    ],
    properties: [
      { displayName: 'Provider', name: 'provider', type: 'string', default: '' },
      { displayName: 'Mode', name: 'mode', type: 'string', default: 'onReceived' },
    ],
  };

  webhookMethods = {
    default: {
      async checkExists() {
        const knows = !this.getNodeParameter('provider').includes('forgets');
        return knows && this.getWorkflowStaticData('node').hook !== undefined;
      },
      async create() {
        const url = `${this.getNodeParameter('provider')}/echo`;
        const told = await this.helpers.httpRequest({ method: 'POST', url, body: { target: this.getNodeWebhookUrl('default') } });
        if (this.getNodeParameter('provider').includes('refuse')) throw new Error('You have too many webhooks');
        this.getWorkflowStaticData('node').hook = JSON.parse(told.body).target;
        return true;
      },
      async delete() {
        const kept = this.getWorkflowStaticData('node');
        await this.helpers.httpRequest({ method: 'DELETE', url: `${this.getNodeParameter('provider')}/echo` });
        delete kept.hook;
        return true;
      },
    },
  };

  async webhook() {
    const asked = this.getRequestObject();
    const body = this.getBodyData();
    if (this.getWebhookName() === 'setup') {
      this.getResponseObject().status(201).set('x-own', 'yes').send(this.getQueryData().challenge);
      return { noWebhookResponse: true };
    }
    if (this.getWebhookName() === 'other') return { webhookResponse: 'at another path' };
    if (body.ignore) return {};
    if (body.secret) return { webhookResponse: this.getWorkflowStaticData('node').hook ?? 'nothing is kept' };
    if (body.files) {
      const { filepath, originalFilename, mimetype, size } = body.files.upload;
      const binary = { data: await this.nodeHelpers.copyBinaryFile(filepath, originalFilename, mimetype) };
      const several = body.files.more.map((each) => require('fs').readFileSync(each.filepath, 'utf8'));
      return { workflowData: [[{ json: { size, several, fields: body.data, kind: asked.contentType, filepath }, binary }]] };
    }
    if (body.say) return { webhookResponse: { said: body.say }, workflowData: [this.helpers.returnJsonArray({ body })] };
    const signed = asked.rawBody.toString() + this.getHeaderData()['x-sign'];
    return { workflowData: [this.helpers.returnJsonArray({ body, signed, url: this.getNodeWebhookUrl('default') })] };
  }
};
