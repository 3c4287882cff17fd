"""Simple Memory, by a package written for this test: its messages are kept outside of the package's process."""

import asyncio
import json
from dataclasses import replace

import pytest

from app.engine import nodes
from app.engine.run.errors import NodeError
from app.engine.run.ports import Ports
from app.packages.catalogue import read_package
from app.packages.host import Host
from app.packages.memories import ask_memory
from app.packages.types import Installed, Packages
from tests.ai.chats import Chats
from tests.engine.running import Engine
from tests.packages.hanging import hung, uses
from tests.workflows import node

PREFIX = "@n8n/n8n-nodes-langchain."
MESSAGES = """
class Message {
  constructor(type, content) { Object.assign(this, { type, content }); }
  toDict() { return { type: this.type, data: { content: this.content } }; }
}
const mapStoredMessagesToChatMessages = (stored) => stored.map(({ type, data }) => new Message(type, data.content));
module.exports = { Message, mapStoredMessagesToChatMessages };
"""
MEMORY = """
const { Message } = require('@langchain/core/messages');
class History {
  messages = [];
  async getMessages() { return this.messages; }
  async addMessage(message) { this.messages.push(message); }
  async addMessages(messages) { for (const each of messages) await this.addMessage(each); }
  async clear() { this.messages = []; }
}
class Window {
  constructor(fields) { Object.assign(this, { chatHistory: new History(), ...fields }); }
  async loadMemoryVariables() {
    return { [this.memoryKey]: (await this.chatHistory.getMessages()).slice(-2 * this.k) };
  }
  async saveContext(input, output) {
    await this.chatHistory.addMessage(new Message('human', input[this.inputKey]));
    await this.chatHistory.addMessage(new Message('ai', output[this.outputKey]));
  }
}
class Memory {
  description = {
    name: 'memoryBufferWindow', displayName: 'Memory', group: [], version: [1, 1.3, 1.4], inputs: [],
    outputs: ['ai_memory'],
    properties: [
      { name: 'sessionIdType', displayName: 'T', type: 'options', default: 'fromInput' },
      { name: 'sessionKey', displayName: 'K', type: 'string', default: 'chat_history' },
      { name: 'contextWindowLength', displayName: 'L', type: 'number', default: 5 },
    ],
  };
  async supplyData() {
    return { response: new Window({ inputKey: 'input', outputKey: 'output', memoryKey: 'chat_history' }) };
  }
}
module.exports = { Memory };
"""
TALK = """
class Talk {
  description = {
    name: 'talk', displayName: 'Talk', group: [], version: 1, outputs: ['main'],
    inputs: ['main', { type: 'ai_memory', maxConnections: 1 }],
    properties: [{ name: 'forget', displayName: 'F', type: 'boolean', default: false }],
  };
  async execute() {
    const outputs = [];
    for (const [place, { json }] of this.getInputData().entries()) {
      const memory = await this.getInputConnectionData('ai_memory', place);
      const { chat_history: known } = await memory.loadMemoryVariables({});
      await memory.saveContext({ input: json.q }, { output: `re: ${json.q}` });
      if (this.getNodeParameter('forget', place)) await memory.chatHistory.clear();
      outputs.push({ json: { known: known.map(({ content }) => content) } });
    }
    return [outputs];
  }
}
module.exports = { Talk };
"""


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memories")
    named = {"name": "@n8n/n8n-nodes-langchain", "version": "1.0.0"}
    files = {
        "package.json": json.dumps({**named, "n8n": {"nodes": ["Memory.node.js", "Talk.node.js"]}}),
        "Memory.node.js": MEMORY,
        "Talk.node.js": TALK,
        "node_modules/@langchain/core/messages.js": MESSAGES,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    engine = Engine()
    host = Host(folder)
    manifest = asyncio.run(read_package(folder))
    engine.types = Packages(host, [Installed(folder, manifest)]).node_types(nodes.load())
    yield engine
    engine.wait_for(host.__aexit__(None, None, None))
    engine.close()


def talk(engine, chats, version, items, forget=False, **parameters):
    memory = node("Memory", PREFIX + "memoryBufferWindow", parameters, version)
    document = hung(node("Talk", PREFIX + "talk", {"forget": forget}), (memory, "ai_memory"))
    ports = replace(Ports(), chat_memory=chats)
    outcome = engine.run(document, items=[{"json": each} for each in items], ports=ports)
    assert outcome.status == "success", outcome.data["resultData"].get("error")
    return outcome, [item["json"]["known"] for item in outcome.document.last_outputs()[0]]


def test_what_was_said_is_kept_outside_of_the_process_and_added_a_turn_at_once(talking):
    chats = Chats()
    outcome, known = talk(talking, chats, 1.3, [{"sessionId": "s", "q": "a"}, {"sessionId": "t", "q": "b"}])
    assert known == [[], []]
    assert [given["action"] for _, given, _ in uses(outcome, "Memory")] == ["loadMemoryVariables", "saveContext"] * 2
    assert chats.added == [2, 2]
    again = talk(
        talking,
        chats,
        1.3,
        [{"sessionId": "s", "q": "c"}, {"sessionId": "s", "q": "d"}],
        sessionIdType="fromInput",
        contextWindowLength=1,
    )
    assert again[1] == [["a", "re: a"], ["c", "re: c"]]
    assert sorted(chats.sessions) == ["s", "t"]


def test_which_session_it_is(talking):
    chats = Chats()
    talk(talking, chats, 1, [{"q": "a"}])
    talk(talking, chats, 1.3, [{"q": "a", "u": 7}], sessionIdType="customKey", sessionKey="=u-{{ $json.u }}")
    talk(talking, chats, 1.4, [{"sessionId": 5, "q": "a"}])
    assert [*chats.sessions] == ["chat_history", "u-7", "5 of Memory"]
    talk(talking, chats, 1.4, [{"sessionId": 5, "q": "b"}], forget=True)
    assert chats.sessions["5 of Memory"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"session": "s" * 10_001, "action": "read"},
        {"session": None, "action": "clear"},
        {"session": "s", "action": "add", "messages": ["m"] * 1_001},
        {"session": "s", "action": "add", "messages": ["m" * (2**20 + 1)]},
        {"session": "s", "action": "add", "messages": [{}]},
    ],
)
def test_what_is_beyond_bounds_is_refused(given):
    with pytest.raises(NodeError):
        asyncio.run(ask_memory(Chats(), given))
