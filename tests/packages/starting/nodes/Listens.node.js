// Holds a connection, and emits each line that comes; the far side is told of each that is recorded.
const net = require('node:net');

exports.Listens = class {
  description = {
    displayName: 'Listens', name: 'listens', group: ['trigger'], version: 1, inputs: [], outputs: ['main'],
    properties: [{ displayName: 'Port', name: 'port', type: 'number', default: 0 }],
  };

  async trigger() {
    const socket = net.connect(this.getNodeParameter('port'), '127.0.0.1');
    const kept = this.getWorkflowStaticData('node');
    socket.on('data', async (bytes) => {
      for (const line of bytes.toString().trim().split('\n')) {
        kept.last = line;
        const done = this.helpers.createDeferredPromise();
        this.emit([this.helpers.returnJsonArray([{ line }])], undefined, done);
        await done.promise;
        socket.write(`ack ${line}\n`);
      }
    });
    socket.on('error', (error) => this.emitError(error));
    socket.on('close', () => this.emitError(new Error('The far side has hung up')));
    await new Promise((resolve) => socket.once('connect', resolve));
    return { closeFunction: async () => socket.destroy() };
  }
};
