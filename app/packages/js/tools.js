// A node as a tool: what a model learns of it, and how it is run when the node that uses it runs its tools itself.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

const { schemaOf } = require('./from-ai.js');

const MAX_NAME_LENGTH = 64;

/** The class of tools that the package of the root has; one of ours where it has none. */
function toolClass({ package: { folder, file } }) {
  try {
    return createRequire(path.join(folder, file))('@langchain/core/tools').DynamicStructuredTool;
  } catch {
    return Tool;
  }
}

class Tool {
  constructor(fields) {
    Object.assign(this, fields);
  }

  async invoke(given) {
    return this.func(given.args ?? given);
  }
}

const nameOf = (node) => node.name.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, MAX_NAME_LENGTH);

/** What the tool does: as its author says, or as its operation is described. */
function descriptionOf({ node, parameters, toolDescription }, description) {
  if (toolDescription) return toolDescription;
  const operations = description?.properties?.filter(({ name }) => name === 'operation') ?? [];
  const options = operations.flatMap((each) => each.options ?? []);
  const action = options.find(({ value }) => value === parameters.operation)?.action;
  if (action) return `${action} in ${description.displayName}`;
  return description?.description ?? `Runs ${node.name}`;
}

/** A tool that has the worker run a node for each call; `counts` are the runs of each node so far. */
function toolOf(call, sub, description, item, counts) {
  const { node, parameters } = sub.request;
  const Made = toolClass((call.main ?? call).request);
  return new Made({
    name: nameOf(node),
    description: descriptionOf(sub.request, description),
    schema: schemaOf(parameters),
    metadata: { sourceNodeName: node.name },
    async func(query) {
      counts.set(node.name, (counts.get(node.name) ?? 0) + 1);
      try {
        const { response } = await sub.ask('useAsTool', { query, item });
        return JSON.stringify(response);
      } catch (error) {
        return `The tool failed: ${error.message}`;
      }
    },
  });
}

module.exports = { toolClass, toolOf };
