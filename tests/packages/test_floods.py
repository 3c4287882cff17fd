"""What a package sends faster than the world outside takes it waits in its own process, or ends its call."""

import asyncio
import json
import struct
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.sandbox.errors import SandboxError
from app.engine.sandbox.process import NODE
from app.engine.sandbox.requests import MAX_QUESTIONS, SandboxRequest
from app.outgoing.addresses import AddressRules
from app.packages import host as host_module
from app.packages import network as network_module
from app.packages.host import Host
from app.packages.network import ACK, CLOSE, DATA, OPEN, PIECE, WINDOW, Network
from tests.packages.test_host import QUICK, call_of, with_host

AT_ONCE = 1000
MANY = f"""const ask = (_, n) => this.helpers.httpRequest({{ url: 'http://h/' + n }});
  const asked = Array.from({{ length: {AT_ONCE + 200} }}, ask);
  const all = await Promise.allSettled(asked);
  return [[{{ json: {{ count: all.filter(({{ status }}) => status === 'rejected').length }} }}]]"""


def test_questions_beyond_a_thousand_wait_until_others_are_answered():
    under_way = most = 0
    full, looked = asyncio.Event(), asyncio.Event()

    async def ask(question: bytes) -> bytes:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == AT_ONCE:
            full.set()
        await looked.wait()
        under_way -= 1
        return json.dumps({"call": json.loads(question)["call"], "error": {"message": "no"}}).encode()

    async def work(host: Host) -> Any:
        asking = asyncio.ensure_future(host.call(call_of(MANY), ask))
        await full.wait()
        await host.call(call_of(QUICK))  # in the same process, which had asked for all that it was to ask by then
        looked.set()
        return await asking

    assert with_host(work, processes=1)["outputs"] == [[{"json": {"count": AT_ONCE + 200}}]]
    assert most == AT_ONCE


GROWTH = """
const frames = require(`${folder}/frames.js`);
frames.writeFrame = () => {};
const { Call } = require(`${folder}/calls.js`);
function processorTime(number) {
  const call = new Call(1, {});
  for (let n = 0; n < number; n++) call.ask('x', {});
  const began = process.cpuUsage().user;
  for (let n = 1; n <= number; n++) call.reply(`{"call": ${n}, "result": null}`);
  return process.cpuUsage().user - began;
}
const least = (number) => Math.min(processorTime(number), processorTime(number));
process.stdout.write(JSON.stringify([least(10_000), least(100_000)]));
"""


def test_what_many_questions_cost_grows_with_their_number():
    """Neighbours in their process wait meanwhile. Ten times as many: another law gives a hundred times the work."""
    folder = f"const folder = {json.dumps(str(Path(host_module.__file__).parent / 'js'))};"
    said = subprocess.run([NODE, "-e", folder + GROWTH], capture_output=True, text=True, check=True, timeout=60)
    few, many = json.loads(said.stdout)
    assert many < 40 * max(few, 2_000)


def test_more_questions_than_programs_let_through_end_the_request():
    """None lets so many through: whoever sends them has taken a program's place."""
    refused = []

    async def never(question: bytes) -> bytes:
        return await asyncio.Event().wait() and b""

    async def main() -> None:
        request = SandboxRequest(1, b"", 60, asyncio.get_running_loop().create_future(), ask=never)
        for _ in range(MAX_QUESTIONS):
            request.take_question(b"{}", pytest.fail, lambda: refused.append(1))
        assert not request.future.done()
        request.take_question(b"{}", pytest.fail, lambda: refused.append(1))
        with pytest.raises(SandboxError, match=f"asked for more than {MAX_QUESTIONS:,} things at once"):
            request.future.result()
        request.detach()

    asyncio.run(main())
    assert refused == [1]


def test_more_bytes_than_were_taken_close_their_connection():
    said: list[bytes] = []

    async def main() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        network = Network(AddressRules.parse("127.0.0.1"))
        network.attach(said.append)
        network.received(struct.pack(">IB", 1, OPEN) + json.dumps({"host": "127.0.0.1", "port": port}).encode())
        for _ in range(2):
            network.received(struct.pack(">IB", 1, DATA) + b"x" * WINDOW)
        network.received(struct.pack(">IB", 1, DATA) + b"x")
        network.detach()
        server.close()

    asyncio.run(main())
    [closed] = said
    assert struct.unpack_from(">IB", closed) == (1, CLOSE)
    assert json.loads(closed[5:])["code"] == "ENOBUFS"


def test_bytes_that_were_not_sent_yet_cannot_be_acknowledged(monkeypatch: pytest.MonkeyPatch):
    """A process that says so in advance, and then reads nothing, would have its worker keep all that arrives."""
    said: list[bytes] = []

    async def main() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(bytes(3 * WINDOW))
        reader.feed_eof()
        opened = reader, SimpleNamespace(get_extra_info=lambda _: ("127.0.0.1", 1), close=lambda: None)

        async def open_stream(*_: Any) -> Any:
            return opened

        monkeypatch.setattr(network_module, "open_stream", open_stream)
        network = Network(AddressRules.parse(""))
        network.attach(said.append)
        network.received(struct.pack(">IB", 1, OPEN) + json.dumps({"host": "h", "port": 1}).encode())
        network.received(struct.pack(">IBI", 1, ACK, 2**31))
        for _ in range(10):  # steps of the loop: nothing is waited for but room
            await asyncio.sleep(0)
        network.detach()

    asyncio.run(main())
    sent = sum(len(frame) - 5 for frame in said if frame[4] == DATA)
    assert WINDOW < sent <= WINDOW + PIECE
