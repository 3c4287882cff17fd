"""What programs ask of the world outside: requests through the worker's way out, and the files of items."""

import asyncio
import json
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from app.engine.nodes.code.helpers import MAX_CALLS, CodeHelpers
from app.engine.run.meter import Meter
from app.engine.run.ports import Ports
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox, SandboxTimeout
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.engine.running import output_of
from tests.engine.static_data import ContestedStaticData
from tests.workflows import START, chain, node

SCOPE = {"items": [{"json": {}}], "nodes": {}, "nodeNames": [], "timezone": "UTC"}
FILE = {"json": {"a": 1}, "binary": {"data": {"data": "aGVsbG8=", "mimeType": "text/plain"}}}


class Far:
    """A server that notes what it is asked; `/wait` answers when it is told to, `/status/N` with that status."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        far = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = {"method": self.command, "path": self.path, "headers": headers, "body": body}
                far.asked.append(asked)
                status = int(self.path.split("/")[2]) if self.path.startswith("/status/") else 200
                content = b"\x89\x00" if self.path == "/bytes" else json.dumps(asked).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(scope="module")
def far():
    far = Far()
    yield far
    far.server.shutdown()
    far.server.server_close()


@pytest.fixture
def run(engine, far):
    def run(source: str, **ports: Any) -> Any:
        far.asked.clear()
        code = node("Code", "code", {"jsCode": source.replace("FAR", f"'{far.url}'")}, 2)
        ports = {"outgoing": Outgoing(AddressRules.parse("127.0.0.1")), **ports}
        return engine.run(chain(START, code), items=[FILE], ports=Ports(**ports))

    return run


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("httpRequest({url: FAR + '/a?z=1', qs: {b: [1, 2], c: 'x y', d: null, e: undefined}})",
         {"method": "GET", "path": "/a?z=1&b%5B0%5D=1&b%5B1%5D=2&c=x%20y&d="}),
        ("httpRequest({method: 'post', url: FAR, body: {a: 1}})",
         {"method": "POST", "body": '{"a":1}', "content-type": "application/json"}),
        ("httpRequest({method: 'POST', url: FAR, body: {a: 'x y'}, headers: {'Content-Type': "
         "'application/x-www-form-urlencoded'}})", {"body": "a=x+y"}),
        ("httpRequest({method: 'POST', url: FAR, body: {a: [1, 2], b: {c: 'd'}}, headers: {'Content-Type': "
         "'application/x-www-form-urlencoded'}})", {"body": "a%5B%5D=1&a%5B%5D=2&b%5Bc%5D=d"}),
        ("httpRequest({url: FAR + '/c', qs: {a: [1, 'x', null]}, arrayFormat: 'comma', body: {a: 1}})",
         {"path": "/c?a=1%2Cx%2C", "body": "", "content-type": None}),
        ("httpRequest({method: 'POST', url: FAR, body: []})", {"body": "", "content-type": None}),
        ("request({method: 'POST', url: FAR, body: [], json: true})",
         {"body": "[]", "content-type": "application/json"}),
        ("request({method: 'PUT', url: FAR, body: {}, json: true})",
         {"body": "{}", "content-type": "application/json"}),
        ("request({url: FAR + '/d', qs: {a: [1, 2]}, useQuerystring: true, json: true})", {"path": "/d?a=1&a=2"}),
        ("request({url: FAR, body: {}, json: true})", {"body": "", "content-type": None}),
        ("request({method: 'POST', url: FAR, json: true})", {"body": "", "content-type": None}),
        ("httpRequest({method: 'POST', url: FAR, body: Buffer.from('bytes')})",
         {"body": "bytes", "content-type": "application/octet-stream"}),
        ("httpRequest({baseURL: FAR, url: '/b', json: true, auth: {username: 'u', password: 'p'}})",
         {"path": "/b", "accept": "application/json", "authorization": "Basic dTpw"}),
        ("request({uri: FAR, method: 'POST', form: {a: 1, b: 'x y'}, json: true})",
         {"body": "a=1&b=x%20y", "content-type": "application/x-www-form-urlencoded"}),
        ("request({url: FAR, auth: {bearer: 't'}, json: true})", {"authorization": "Bearer t", "user-agent": "n8n"}),
        ("request({url: FAR, method: 'POST', json: true, formData: {f: {value: Buffer.from('x'), options: "
         "{filename: 'f.txt'}}}}).then(r => ({...r, body: r.body.includes('filename=\"f.txt\"')}))", {"body": True}),
    ],
)  # fmt: skip
def test_a_request_goes_out_as_it_is_described(asked, seen, run):
    [answer] = output_of(run(f"return [{{json: await this.helpers.{asked}}}]"), "Code")
    shown = {**answer["headers"], **answer}
    assert {name: shown.get(name) for name in seen} == seen


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("httpRequest({url: FAR + '/bytes', encoding: 'arraybuffer'}).then(b => b.toString('hex'))", "8900"),
        ("httpRequest({url: FAR + '/status/404'}).catch(e => [e.message, e.name, e.code, e.status])",
         ["Request failed with status code 404", "AxiosError", "ERR_BAD_REQUEST", 404]),
        ("httpRequest({url: FAR + '/status/418', ignoreHttpStatusErrors: true, returnFullResponse: true})"
         ".then(r => [r.statusCode, r.body.path])", [418, "/status/418"]),
        ("request({url: FAR}).then(r => typeof r)", "string"),
        ("request({url: FAR + '/status/500', json: true}).catch(e => e.message.slice(0, 7))", '500 - {'),
        ("httpRequest({url: 'http://10.0.0.1/'}).catch(e => e.message.slice(0, 36))",
         "Requests to 10.0.0.1 are not allowed"),
        ("httpRequest({}).catch(e => e.message)", "Invalid URL"),
        ("httpRequest({method: 'g\u00e4t', url: FAR}).catch(e => [e.message, e.code])",
         ['Method must be a valid HTTP token ["G\u00c4T"]', "ERR_INVALID_HTTP_TOKEN"]),
        ("getBinaryDataBuffer(0, 'data').then(b => b.toString())", "hello"),
        ("getBinaryDataBuffer(0, 'no').catch(e => e.message)", "The item has no binary field 'no' [item 0]"),
        ("setBinaryDataBuffer({mimeType: 'a/b', data: ''}, Buffer.from('zz'))",
         {"mimeType": "a/b", "data": "eno=", "fileSize": "2 B", "bytes": 2}),
        ("prepareBinaryData(Buffer.from('{}'), 'dir/a.json')",
         {"mimeType": "application/json", "fileType": "json", "fileExtension": "json", "directory": "dir",
          "fileName": "a.json", "data": "e30=", "fileSize": "2 B", "bytes": 2}),
        ("prepareBinaryData(Buffer.from('%PDF-1.4')).then(f => [f.mimeType, f.fileExtension])",
         ["application/pdf", "pdf"]),
        *((f"prepareBinaryData(Buffer.from('x'), {given}).then(f => [f.mimeType, f.fileExtension, f.fileType])", made)
          for given, made in (
              ("'a.gz'", ["application/gzip", "gz", None]),
              ("'b.tar.gz'", ["application/gzip", "gz", None]),
              ("'.csv'", ["text/csv", "csv", "text"]),
              ("'y.svgz'", ["image/svg+xml", "svgz", "image"]),
              ("'z', 'image/jpeg'", ["image/jpeg", "jpg", "image"]),
              ("'z', 'text/plain; charset=utf-8'", ["text/plain; charset=utf-8", "txt", "text"]),
              ("'a.b', 'image/png'", ["image/png", "b", "image"]),
              ("''", ["text/plain", None, "text"]),
          )),
    ],
)  # fmt: skip
def test_what_a_program_gets(asked, given, run):
    assert output_of(run(f"return [{{json: {{v: await helpers.{asked}}}}}]"), "Code") == [{"v": given}]


def test_what_was_sent_is_not_sent_again_when_the_program_runs_again(run, far):
    source = """const kept = $getWorkflowStaticData('global'); kept.count += 1;
      const sent = await Promise.all(['/a', '/b', '/a'].map(path => this.helpers.httpRequest({url: FAR + path})));
      return [{json: {count: kept.count, paths: sent.map(each => each.path)}}]"""
    outcome = run(source, static_data=ContestedStaticData(others=1))
    assert output_of(outcome, "Code") == [{"count": 12, "paths": ["/a", "/b", "/a"]}]
    assert sorted(each["path"] for each in far.asked) == ["/a", "/a", "/b"]


def with_sandbox(work: Any, **limits: Any) -> Any:
    async def main() -> Any:
        async with Sandbox(spares=0, **limits) as sandbox:
            return await work(sandbox)

    return asyncio.run(main())


ASKS = "return {v: await helpers.httpRequest({url: 'x'})}"


def test_a_deadline_and_a_stop_hold_while_a_call_is_out():
    async def work(sandbox: Sandbox) -> None:
        ended: list[str] = []
        out = asyncio.Event()

        async def never(question: bytes) -> bytes:
            out.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(json.loads(question)["name"])
            return b""

        with pytest.raises(SandboxTimeout):
            await sandbox.run_code(ASKS, SCOPE, timeout=0.3, ask=never)
        out.clear()
        task = asyncio.create_task(sandbox.run_code(ASKS, SCOPE, timeout=600, ask=never))
        await out.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["httpRequest"] * 2

        async def reply(_: bytes) -> bytes:
            return b'{"call":1,"result":5}'

        assert (await sandbox.run_code(ASKS, SCOPE, ask=reply)).items == [{"json": {"v": 5}}]

    with_sandbox(work)


def test_what_answers_may_end_the_program(engine):
    async def fails(_: bytes) -> bytes:
        raise LookupError("too much")

    with pytest.raises(LookupError):
        engine.wait_for(engine.sandbox.run_code(ASKS, SCOPE, ask=fails))


def test_a_program_that_lost_its_process_asks_again_and_nothing_is_sent_twice(engine, far):
    """Another program of the project brings the process down while the request of this one is answered already."""
    far.asked.clear()
    asking = (
        f"await helpers.httpRequest({{url: '{far.url}/once'}}); await new Promise(r => setTimeout(r, 400)); return []"
    )
    document = chain(START, node("Code", "code", {"jsCode": asking}, 2))
    ports = Ports(outgoing=Outgoing(AddressRules.parse("127.0.0.1")))

    async def work(sandbox: Sandbox) -> Any:
        request = RunRequest(workflow=document, execution_id="1", mode="manual", ports=ports)
        running = asyncio.create_task(run_workflow(request, sandbox, engine.types))
        while not far.asked:
            await asyncio.sleep(0.01)
        with pytest.raises(SandboxTimeout):
            await sandbox.run_code("for (;;) {}", SCOPE, timeout=0.1)
        return await running

    assert with_sandbox(work, code_processes=1).status == "success"
    assert [each["path"] for each in far.asked] == ["/once"]


def test_what_a_program_asks_counts_while_it_is_answered_and_no_longer(engine):
    """Many large questions one after the other are kept nowhere; one of too much memory is not read."""
    asking = "const ask = (body) => helpers.httpRequest({url: 'x', body}).catch(() => 1);"
    document = chain(START, node("Code", "code", {"jsCode": ""}, 2))
    for source, fails in (
        ("for (let i = 0; i < 20; i++) await ask('x'.repeat(2e6)); return []", False),
        ("await ask('x'.repeat(1.2e7)); return []", True),
        ("await ask([Array.from({length: 2e5}, () => [])]); return []", True),
    ):
        document["nodes"][1]["parameters"]["jsCode"] = asking + source
        outcome = engine.run(document, ports=Ports(meter=Meter(10 * 2**20)))
        assert ("more memory" in getattr(outcome.error, "message", "")) == fails


def test_calls_beyond_the_most_are_not_remembered():
    async def work() -> int:
        helpers = CodeHelpers(SimpleNamespace(holding=lambda size: nullcontext()))
        for number in range(3 * MAX_CALLS):
            await helpers.ask(b'{"call":%d,"name":"file","given":{"size":1}}' % number)
        async with helpers:
            return len(helpers._calls)

    assert asyncio.run(work()) == MAX_CALLS
