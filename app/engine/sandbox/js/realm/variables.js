// n8n's variables ($json, $input, $('Node'), $now, ...) over the data that came with a request.
// Evaluated inside a context; used by expressions and by Code nodes. Knows no template and no host.
(realm) => {
  'use strict';

  const { ExpressionError, Scope, copyOf } = realm;

  const noExtraArguments = (name, given) => {
    if (given.length > 0) {
      throw new ExpressionError(
        `$input.${name}() takes no arguments. To get items from a specific upstream node, use $('NodeName').${name}() ` +
          "(or $('NodeName').all() for every item).",
      );
    }
  };

  /** $input */
  class Input {
    #scope;
    #strict;
    constructor(scope, strict) {
      this.#scope = scope;
      this.#strict = strict;
    }
    get item() {
      return this.#scope.give(this.#scope.item);
    }
    first(...given) {
      if (this.#strict) noExtraArguments('first', given);
      return this.#scope.give(this.#scope.items[0]);
    }
    last(...given) {
      if (this.#strict) noExtraArguments('last', given);
      return this.#scope.give(this.#scope.items[this.#scope.items.length - 1]);
    }
    all() {
      return this.#scope.give([...this.#scope.items]);
    }
    get params() {
      return this.#scope.give(this.#scope.data.prevNode?.parameters ?? {});
    }
    get context() {
      return this.#scope.give(this.#scope.data.prevNode?.context ?? {});
    }
  }

  /** $('Node') */
  class NodeOutput {
    #scope;
    #name;
    constructor(scope, name) {
      scope.node(name);
      this.#scope = scope;
      this.#name = name;
    }
    get item() {
      return this.#scope.give(this.#scope.pairedItem(this.#name, this.#scope.index));
    }
    pairedItem(index) {
      if (index === undefined) return this.item;
      if (!(index in this.#scope.items)) {
        throw new ExpressionError(`Can’t get data${this.#scope.isCode ? '' : ' for expression'}`, { itemIndex: index });
      }
      return this.#scope.give(this.#scope.pairedItem(this.#name, index));
    }
    itemMatching(index) {
      if (index === undefined) throw new ExpressionError('Missing item index for .itemMatching()');
      if (typeof index !== 'number' || index < 0) throw new TypeError('Not the index of an item');
      return this.pairedItem(index);
    }
    first(branch, run) {
      return this.#scope.give(this.#scope.output(this.#name, branch, run)[0]);
    }
    last(branch, run) {
      const items = this.#scope.output(this.#name, branch, run);
      return this.#scope.give(items[items.length - 1]);
    }
    all(branch, run) {
      return this.#scope.give([...this.#scope.output(this.#name, branch, run)]);
    }
    get isExecuted() {
      return this.#scope.node(this.#name).runs.length > 0;
    }
    get params() {
      return this.#scope.give(this.#scope.node(this.#name).parameters ?? {});
    }
    get context() {
      return this.#scope.give(this.#scope.node(this.#name).context ?? {});
    }
  }

  /** The parameters of a node; where expressions are evaluated, those that are one have its value. */
  const parametersOf = (scope, given = {}) => {
    const shown = copyOf(given);
    return realm.resolveParameters ? realm.resolveParameters(scope, shown) : shown;
  };

  /** $node['X']: the older way to the same data; it looks at the item of the current index. */
  const legacyNodeOf = (scope, name) => {
    const node = scope.node(name);
    const current = () => {
      const items = scope.output(name);
      if (node.connected === false) throw new ExpressionError(`connect "${scope.data.node?.name}" to "${name}"`);
      return Scope.at(items, scope.index, name);
    };
    return {
      get binary() {
        return scope.give(current().binary ?? {});
      },
      get data() {
        return scope.give(current().json);
      },
      get json() {
        return scope.give(current().json);
      },
      get context() {
        return scope.give(node.context ?? {});
      },
      get parameter() {
        return parametersOf(scope, node.parameters);
      },
      get runIndex() {
        return node.runs.length - 1;
      },
    };
  };

  const legacyNodes = (scope) =>
    new Proxy(Object.create(null), {
      get: (_, name) => (typeof name === 'string' && name !== 'toJSON' ? legacyNodeOf(scope, name) : undefined),
    });

  const environment = () =>
    new Proxy(Object.create(null), {
      get(_, name) {
        if (typeof name !== 'string' || name === 'toJSON') return undefined;
        throw new ExpressionError('access to env vars denied', { kind: 'env_denied' });
      },
    });

  const customDataOf = (scope) => {
    const values = (scope.data.customData ??= {});
    const set = (key, value) => {
      if (typeof key !== 'string' || key === '') throw new TypeError('The key of custom data is not a string');
      if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
        throw new TypeError(`The custom data value of "${key}" is not a string`);
      }
      if (!(key in values) && Object.keys(values).length >= 10) return;
      values[key.slice(0, 50)] = String(value).slice(0, 512);
      scope.customDataChanged = true;
    };
    const methods = {
      set,
      setAll: (object) => Object.entries(object).forEach(([key, value]) => set(key, value)),
      get: (key) => values[key],
      getAll: () => ({ ...values }),
    };
    for (const name of Object.keys(methods)) Object.defineProperty(methods, name, { enumerable: false });
    return methods;
  };

  const executionOf = (scope) => {
    // A program may also leave something of its own there, and find it again.
    if (scope.isCode && scope.execution) return scope.execution;
    const { id, mode, resumeUrl, resumeFormUrl } = scope.data.execution ?? {};
    scope.execution = { id, mode, resumeUrl, resumeFormUrl, customData: customDataOf(scope) };
    return scope.execution;
  };

  const jmespath = (data, query) => {
    if (typeof data !== 'object' || typeof query !== 'string') {
      throw new ExpressionError('expected two arguments (Object, string) for this function');
    }
    return realm.jmespath.search(data, query);
  };

  const own = (object, key) =>
    typeof object === 'object' && object !== null && Object.hasOwn(object, key) ? object[key] : undefined;

  /** What stands for a value that an AI agent would fill in: outside of one, what the first item has, or the default. */
  const fromAIOf = (scope) => (key, description, type, fallback) => {
    if (key === null) throw new TypeError('The key is null');
    if (key === undefined || key === '') {
      throw new ExpressionError("Add a key, e.g. $fromAI('placeholder_name')");
    }
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(key)) {
      throw new ExpressionError(
        'Invalid parameter key, must be between 1 and 64 characters long and only contain lowercase letters, ' +
          'uppercase letters, numbers, underscores, and hyphens',
      );
    }
    if (['constructor', 'prototype', '__proto__'].includes(key)) throw new ExpressionError('Invalid parameter key');
    const json = scope.items?.[0]?.json;
    return scope.give(own(own(json, 'query'), key) ?? own(json, key) ?? fallback);
  };

  /** The tool that an agent wants to use, and what it fills in, as the node sees it that asks a person about it. */
  const toolOf = (scope) => {
    const json = scope.items?.[0]?.json;
    const given = (name) => own(own(json, 'query'), name) ?? own(json, name);
    return { name: scope.give(given('tool')), parameters: scope.give(given('toolParameters')) };
  };

  const itemOf = (scope) => (index) => {
    const at = (read) => {
      const before = scope.index;
      scope.index = index;
      try {
        return read();
      } finally {
        scope.index = before;
      }
    };
    const item = () => Scope.at(scope.items, index, scope.data.node?.name);
    return {
      get $json() {
        return scope.give(item()?.json);
      },
      get $binary() {
        return scope.give(item()?.binary ?? {});
      },
      get $node() {
        return new Proxy(Object.create(null), {
          get: (_, name) => (typeof name === 'string' ? { get json() { return at(() => legacyNodeOf(scope, name).json); } } : undefined),
        });
      },
    };
  };

  /** Luxon, whose dates are in the workflow's zone from now on unless they say another. */
  const luxonOf = (scope) => {
    const { luxon } = realm;
    luxon.setDefaultZone(scope.data.timezone);
    luxon.noteUse();
    return luxon;
  };

  const resumeUrl = (scope) => scope.data.execution?.resumeUrl;
  const json = (scope) => scope.give(scope.item?.json);

  /** name -> value for the current item. */
  const variables = {
    $json: json,
    $data: json,
    $binary: (scope) => scope.give(scope.item?.binary ?? {}),
    $input: (scope) => new Input(scope, false),
    $: (scope) => (name) => new NodeOutput(scope, name),
    $node: legacyNodes,
    $items: (scope) => (name, branch, run) =>
      scope.give([...(name === undefined ? scope.items : scope.exactOutput(name, branch, run))]),
    $item: itemOf,
    $itemIndex: (scope) => scope.index,
    $position: (scope) => scope.index,
    $thisItem: (scope) => scope.give(scope.item),
    $thisItemIndex: (scope) => scope.index,
    $runIndex: (scope) => scope.data.runIndex ?? 0,
    $thisRunIndex: (scope) => scope.data.runIndex ?? 0,
    $prevNode({ data: { prevNode } }) {
      return prevNode && { name: prevNode.name, outputIndex: prevNode.outputIndex ?? 0, runIndex: prevNode.runIndex ?? 0 };
    },
    $nodeVersion: (scope) => scope.data.node?.version,
    $nodeId: (scope) => scope.data.node?.id,
    $parameter: (scope) => parametersOf(scope, scope.data.node?.parameters),
    $rawParameter: (scope) => copyOf(scope.data.node?.parameters ?? {}),
    $webhookId: (scope) => scope.data.node?.webhookId,
    $self: () => ({}),
    $tool: toolOf,
    $workflow({ data: { workflow } }) {
      return { active: workflow?.active ?? false, id: workflow?.id, name: workflow?.name };
    },
    $execution: executionOf,
    $executionId: (scope) => scope.data.execution?.id,
    $mode: (scope) => scope.data.execution?.startedBy,
    $resumeWebhookUrl: resumeUrl,
    $vars: (scope) => copyOf(scope.data.vars ?? {}),
    $env: environment,
    $request: ({ data: { more } }) => more && copyOf(more.$request ?? {}),
    $response: ({ data: { more } }) => more && copyOf(more.$response ?? {}),
    $pageCount: ({ data: { more } }) => more && (more.$pageCount ?? 0),
    $now: (scope) => luxonOf(scope).DateTime.now(),
    $today: (scope) => luxonOf(scope).DateTime.now().startOf('day'),
    $fromAI: fromAIOf,
    $fromAi: fromAIOf,
    $fromai: fromAIOf,
    $jmespath: () => jmespath,
    $jmesPath: () => jmespath,
    DateTime: (scope) => luxonOf(scope).DateTime,
    Duration: (scope) => luxonOf(scope).Duration,
    Interval: (scope) => luxonOf(scope).Interval,
  };

  Object.assign(realm, { Input, variables });
  realm.shared.push(NodeOutput, jmespath);
}
