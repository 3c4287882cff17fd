// The data that came with a request, as n8n's variables look at it, and the error by which n8n lets a node fail.
// Evaluated inside a context, before the variables. Knows no variable and no host.
(realm) => {
  'use strict';

  const { stringify, parse } = JSON;

  /** An error that n8n lets fail the node, with n8n's message. */
  class ExpressionError extends Error {
    constructor(message, details) {
      super(message);
      this.name = 'ExpressionError';
      Object.assign(this, details);
    }
  }

  const copyOf = (value) => (value !== null && typeof value === 'object' ? parse(stringify(value)) : value);

  /** The data of one request and the item that is current. One object serves all items of the request. */
  class Scope {
    constructor(data) {
      this.data = data;
      this.items = data.items ?? [];
      this.index = 0;
      // So many expressions have led to each other to come to the one that runs.
      this.depth = 0;
      // Set while an expression runs that may change what it is given: it then gets copies.
      this.copying = false;
      this.customDataChanged = false;
      this.nodes = new Map();
    }

    give(value) {
      return this.copying ? copyOf(value) : value;
    }

    get item() {
      return this.items[this.index];
    }

    node(name) {
      let node = this.nodes.get(name);
      if (!node) {
        const data = this.data.nodes?.[name];
        if (!data && !this.data.nodeNames?.includes(name)) {
          throw new ExpressionError("Referenced node doesn't exist", { kind: 'node_missing', nodeName: name });
        }
        node = { name, runs: [], ...data };
        this.nodes.set(name, node);
      }
      return node;
    }

    /** A node that has run. */
    executed(name) {
      const node = this.node(name);
      if (node.runs.length > 0) return node;
      throw new ExpressionError(`Node '${name}' hasn't been executed`, { kind: 'node_not_executed', nodeName: name });
    }

    /** The items at one output of a node in one run (default: the latest). */
    output(name, branch, run) {
      const node = this.executed(name);
      const outputs = node.runs[run ?? node.runIndex ?? node.runs.length - 1] ?? node.runs[node.runs.length - 1];
      return outputs[branch ?? node.outputIndex ?? 0] ?? outputs[0] ?? [];
    }

    /** As `output`, for the older ways to name it, which know no default for what is not there. */
    exactOutput(name, branch, run) {
      const node = this.executed(name);
      const latest = node.runIndex ?? node.runs.length - 1;
      const outputs = node.runs[run === undefined || run === -1 ? latest : run];
      if (run >= node.runs.length) throw new ExpressionError(`Run ${run} of node "${name}" not found`);
      if (branch >= outputs.length) throw new ExpressionError(`Node "${name}" has no branch with index ${branch}.`);
      return outputs[branch === undefined ? (node.outputIndex ?? 0) : branch];
    }

    /** One of a node's items by its place. */
    static at(items, index, name) {
      if (index < items.length) return items[index];
      const message = `"${name}" node has ${items.length} item(s) but you're trying to access item ${index}`;
      throw new ExpressionError(message, { itemIndex: index });
    }

    /** The item of node `name` from which item `index` of this node's input came. */
    pairedItem(name, index) {
      const node = this.node(name);
      const paired = node.paired?.[index];
      if (Array.isArray(paired)) {
        const [run, output, position] = paired;
        const item = node.runs[run]?.[output]?.[position];
        if (item) return item;
      }
      // Not an error of the workflow: this one item does not come from there, others do.
      if (paired === false) throw new TypeError(`The item does not come from '${name}'`);
      throw new ExpressionError(typeof paired === 'string' ? paired : 'Invalid expression', {
        kind: 'paired_item',
        nodeName: name,
      });
    }
  }

  Object.assign(realm, { ExpressionError, Scope, copyOf });
}
