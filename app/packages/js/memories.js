// Simple Memory: what was said is kept by the worker, for all workers, and not in the package's own process.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

const SIMPLE_MEMORY = '@n8n/n8n-nodes-langchain.memoryBufferWindow';
const KIND = 'ai_memory';
/** From these versions on a session is asked for by two parameters; one of a chat belongs to its node alone. */
const CHOSEN_SINCE = 1.2;
const OWN_SINCE = 1.4;

/** The key of the session that a memory is to have, as text. */
function sessionOf(context, item) {
  const { typeVersion, name } = context.getNode();
  const own = () => context.getNodeParameter('sessionKey', item);
  if (typeVersion < CHOSEN_SINCE || context.getNodeParameter('sessionIdType', item) !== 'fromInput') return String(own());
  const session = String(sessionOfInput(context, item));
  return typeVersion >= OWN_SINCE ? `${session} of ${name}` : session;
}

function sessionOfInput(context, item) {
  const given = context.evaluateExpression('{{ $json.sessionId }}', item);
  const trigger = context.getChatTrigger();
  if ((given ?? '') !== '' || !trigger) return given;
  return context.evaluateExpression(`{{ $(${JSON.stringify(trigger.name)}).first().json.sessionId }}`, item);
}

/** The messages of one session, as a class of the package's own library of which `made` is an object. */
function historyOf(made, { stored, ask }) {
  let seen;
  return new (class extends made.constructor {
    async getMessages() {
      const { messages } = await ask('read');
      seen = messages.at(-1)?.[0];
      return stored.mapStoredMessagesToChatMessages(messages.map(([, text]) => JSON.parse(text)));
    }

    async addMessage(message) {
      await this.addMessages([message]);
    }

    async addMessages(messages) {
      await ask('add', { messages: messages.map((message) => JSON.stringify(message.toDict())) });
    }

    /** What others have added since it was read stays. */
    async clear() {
      await ask('clear', { upTo: seen });
    }
  })();
}

/** The same memory with another history. What it does is noted as n8n does; what one turn adds, is added at once. */
function memoryWith(made, history, context, k) {
  const { inputKey, outputKey, memoryKey, returnMessages } = made;
  const memory = new made.constructor({ k, inputKey, outputKey, memoryKey, returnMessages, chatHistory: history });
  const { loadMemoryVariables, saveContext } = memory;
  const noted = async (about, work, result) => {
    const { index } = context.addInputData(KIND, [[{ json: about }]]);
    try {
      const returned = await work();
      context.addOutputData(KIND, index, [[{ json: { action: about.action, chatHistory: await result(returned) } }]]);
      return returned;
    } catch (error) {
      context.addOutputData(KIND, index, error);
      throw error;
    }
  };
  memory.loadMemoryVariables = (values) =>
    noted({ action: 'loadMemoryVariables', values }, () => loadMemoryVariables.call(memory, values), (loaded) => loaded?.[memoryKey] ?? loaded);
  memory.saveContext = (input, output) =>
    noted({ action: 'saveContext', input, output }, () => savedAtOnce(memory, history, saveContext, [input, output]), () => history.getMessages());
  return memory;
}

async function savedAtOnce(memory, history, saveContext, given) {
  const said = [];
  const collecting = Object.create(history, {
    addMessage: { value: async (message) => void said.push(message) },
    addMessages: { value: async (messages) => void said.push(...messages) },
  });
  const turn = Object.create(memory, { chatHistory: { value: collecting } });
  await saveContext.apply(turn, given);
  await history.addMessages(said);
}

/** What a memory's node has made, or in its place one whose messages are kept by the worker. */
async function kept(call, context, made, item) {
  const { node, package: where } = call.request;
  if (node.type !== SIMPLE_MEMORY || typeof made?.chatHistory?.addMessages !== 'function') return made;
  const session = sessionOf(context, item);
  const ask = (action, given) => call.ask('memory', { action, session, ...given });
  if (!(await ask('open')).kept) return made;
  const stored = createRequire(path.join(where.folder, where.file))('@langchain/core/messages');
  return memoryWith(made, historyOf(made.chatHistory, { stored, ask }), context, context.getNodeParameter('contextWindowLength', item));
}

module.exports = { kept };
