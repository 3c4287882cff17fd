"""What a package sends faster than the world outside takes it waits in its own process, or ends its call."""

import asyncio
import json
import struct
from typing import Any

import pytest

from app.engine.sandbox.requests import MAX_QUESTIONS
from app.outgoing.addresses import AddressRules
from app.packages.host import Host, HostError
from app.packages.network import CLOSE, DATA, OPEN, WINDOW, Network
from tests.packages.test_host import QUICK, call_of, with_host

AT_ONCE = 1000
MANY = f"""const ask = (_, n) => this.helpers.httpRequest({{ url: 'http://h/' + n }});
  const asked = Array.from({{ length: {AT_ONCE + 200} }}, ask);
  const all = await Promise.allSettled(asked);
  return [[{{ json: {{ count: all.filter(({{ status }}) => status === 'rejected').length }} }}]]"""
FORGED = f"""const fs = require('fs');
  const {{ writeSync }} = fs;
  let id;
  fs.writeSync = (file, bytes, ...rest) => {{
    if (file === 1 && bytes[8] === 4) id ??= bytes.readUInt32BE(4);
    return writeSync(file, bytes, ...rest);
  }};
  this.helpers.httpRequest({{ url: 'http://h/' }}).catch(() => {{}});
  while (id === undefined) await new Promise((done) => setImmediate(done));
  const body = Buffer.from('{{"call":0,"name":"request","given":{{}}}}');
  const frame = Buffer.concat([Buffer.alloc(9), body]);
  frame.writeUInt32BE(5 + body.length, 0);
  frame.writeUInt32BE(id, 4);
  frame[8] = 4;
  const all = Buffer.concat(Array({MAX_QUESTIONS}).fill(frame));
  for (let sent = 0; sent < all.length; ) {{
    try {{ sent += writeSync(1, all, sent) }} catch (error) {{ if (error.code !== 'EAGAIN') throw error }}
  }}
  await new Promise(() => {{}})"""


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


def test_more_questions_than_its_program_lets_through_end_the_call():
    async def never(question: bytes) -> bytes:
        return await asyncio.Event().wait() and b""

    async def work(host: Host) -> None:
        with pytest.raises(HostError, match=f"asked for more than {MAX_QUESTIONS:,} things at once"):
            await host.call(call_of(FORGED), never)

    with_host(work)


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
