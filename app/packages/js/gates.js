// Nodes that ask a person before an agent may use the tools that hang on them: what the agent's model sees in their place.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

const { schemaOf } = require('./from-ai.js');
const { toolClass } = require('./tools.js');

const TOO_OLD = 'This tool needs the approval of a person, for which agents can wait from version 3 on';

/** A module as the package of the root finds it; nothing where it has none. */
function moduleOf({ package: { folder, file } }, name) {
  try {
    return createRequire(path.join(folder, file))(name);
  } catch {
    return undefined;
  }
}

/** The JSON schema of what a tool takes, however it says so. */
function toJson(root, schema) {
  const { toJsonSchema } = moduleOf(root, '@langchain/core/utils/json_schema') ?? {};
  const { $schema, ...bare } = (toJsonSchema ? toJsonSchema(schema) : schema) ?? {};
  return bare;
}

/** What a model fills in: what the tool takes, and what the question to the person is made of. */
function schemaBehind(root, tool, parameters) {
  const { properties: own, ...question } = schemaOf(parameters);
  const { tool: _tool, toolParameters: _given, ...asked } = own;
  const required = Object.keys(asked).filter((name) => question.required?.includes(name));
  return {
    type: 'object',
    properties: {
      toolParameters: { ...toJson(root, tool.schema), description: 'Input parameters for the tool' },
      hitlParameters: {
        type: 'object',
        properties: asked,
        ...(required.length ? { required } : {}),
        additionalProperties: false,
        description: 'Parameters for the Human-in-the-Loop layer',
      },
    },
    required: ['toolParameters', 'hitlParameters'],
    additionalProperties: false,
    $schema: question.$schema,
  };
}

/**
 * The tools behind a gate, whose calls lead to the gate; `behind` are [node, what it supplies]. It is a toolkit where the
 * package of the root has a class for that, else a list.
 */
function gatedTools(root, { node, parameters }, behind) {
  const Made = toolClass(root);
  const tools = behind.flatMap(([name, supplied]) =>
    (Array.isArray(supplied?.tools) ? supplied.tools : [supplied].flat()).map(
      (tool) =>
        new Made({
          name: tool.name,
          description: tool.description,
          schema: schemaBehind(root, tool, parameters),
          metadata: { sourceNodeName: node.name, gatedToolNodeName: name, originalSchema: tool.schema, isFromToolkit: true },
          async func() {
            throw new Error(TOO_OLD);
          },
        }),
    ),
  );
  const { StructuredToolkit } = moduleOf(root, 'n8n-core') ?? {};
  return StructuredToolkit ? new StructuredToolkit(tools) : tools;
}

module.exports = { gatedTools };
