"""What a programmed node reads and sends while its call goes on, in a real package process."""

import json

import pytest

from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.worker.answers import as_stream
from tests.ai import server
from tests.packages.running import PackageEngine, workflow_of


@pytest.mark.parametrize("read", [True, False])
def test_what_a_node_streams_comes_at_the_end_of_its_call_to_who_reads_it(packages: PackageEngine, read: bool):
    parts = "for (const [type, text] of [['begin'], ['item', 'a'], ['item', 'b'], ['end']])"
    code = f"{parts} await this.sendChunk(type, 0, text); return [[{{ json: {{ streams: this.isStreaming() }} }}]]"
    streamed = [] if read else None
    outcome = packages.run(workflow_of("script", {"code": code}), ports=Ports(streamed=streamed))
    assert outcome.document.last_outputs()[0][0]["json"] == {"streams": read}
    if read:
        lines = [json.loads(line) for line in as_stream(streamed)["text"].splitlines()]
        assert [(line["type"], line.get("content")) for line in lines] == [
            ("begin", None),
            ("item", "a"),
            ("item", "b"),
            ("end", None),
        ]
        assert lines[0]["metadata"].pop("timestamp") > 0
        assert lines[0]["metadata"] == {"nodeId": "node", "nodeName": "Node", "itemIndex": 0, "runIndex": 0}


def test_what_asks_first_goes_on_first_also_when_the_replies_come_at_once(packages):
    code = """
    const went = [];
    const ask = async (type, steps) => {
      await this.getCredentials(type).catch(() => {});
      for (let step = 0; step < steps; step++) await null;
      went.push(steps);
    };
    const asked = [ask('sampleApi', 50), ask('tokenApi', 1)];
    for (const until = Date.now() + 200; Date.now() < until; );
    await Promise.all(asked);
    return [[{ json: { went } }]];
    """
    assert packages.script(code) == [{"went": [50, 1]}]


def test_events_are_read_as_they_come_while_requests_go_beside_them(packages: PackageEngine, monkeypatch):
    """As clients of the older MCP servers do: answers to what they post come over a stream that stays open."""
    code = """const stream = await fetch(`${ADDRESS}/sse`);
      const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader(); let text = '';
      const until = async (mark) => { while (!text.includes(mark)) text += (await reader.read()).value };
      await until('session='); await until('\\n\\n');
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { arguments: { city: 'Paris' } } };
      const [, path] = /data: (.*)\\n/.exec(text);
      const { status } = await fetch(`${ADDRESS}${path}`, { method: 'POST', body: JSON.stringify(message) });
      await until('about Paris'); return [[{ json: { status } }]]"""
    with server.running() as (address, _):
        monkeypatch.setattr(packages, "outgoing", Outgoing(AddressRules.parse(address.removeprefix("http://"))))
        assert packages.script(code.replace("${ADDRESS}", address)) == [{"status": 202}]
