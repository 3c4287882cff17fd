"""Triggers of packages, in a real package process: they hold connections, and what they hear is recorded."""

import asyncio
import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.execution_info import ExecutionInfo
from app.engine.run.parsing import parse_workflow
from app.engine.run.ports import Ports
from app.engine.run.state import RunState
from app.packages.host import ACTING, ARRANGING, LISTENING
from app.packages.host_calls import ComputedTooLong
from app.packages.host_errors import HostComputing
from tests.packages.running import HERE, PackageEngine
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.workflows import node, workflow


@pytest.fixture(scope="module")
def starting(far: str) -> Iterator[PackageEngine]:
    engine = PackageEngine("127.0.0.1", folder=HERE / "starting")
    yield engine
    engine.close()


def context_of(engine: PackageEngine, kind: str, mode: str = "trigger", **parameters: object) -> NodeContext:
    document = workflow([node("Start", f"n8n-nodes-starting.{kind}", parameters)], id="w1")
    state = RunState(parse_workflow(document, engine.types))
    info = ExecutionInfo("", mode, Ports(outgoing=engine.outgoing))
    return NodeContext(
        state.graph.nodes["Start"], [[{"json": {}}]], None, 0, state, engine.sandbox.for_project("p"), info
    )


class Line(socketserver.StreamRequestHandler):
    """Says two lines, and notes what it is told."""

    def handle(self) -> None:
        self.wfile.write(b"one\ntwo\n")
        for line in self.rfile:
            self.server.told.append(line.decode().strip())
        self.server.gone.set()


@contextmanager
def far_line() -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as server:
        server.daemon_threads = True
        server.told, server.gone = [], threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_one_that_listens_acknowledges_what_is_recorded_and_hangs_up_at_its_end(starting) -> None:
    with far_line() as server:
        context = context_of(starting, "listens", port=server.server_address[1])
        emitted = []

        async def emit(outputs) -> None:
            while len(server.told) < len(emitted):  # the one before is acknowledged by now, or on its way
                await asyncio.sleep(0.01)
            assert len(server.told) == len(emitted), "this one is not"
            emitted.append([item["json"] for item in outputs[0]])

        async def main() -> None:
            task = asyncio.ensure_future(context.node.kind.listen(context, emit))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(server.told) < 2 and not task.done():
                    await asyncio.sleep(0.01)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                while not server.gone.is_set():
                    await asyncio.sleep(0.01)

        starting.wait_for(main())
        assert emitted == [[{"line": "one"}], [{"line": "two"}]]
        assert server.told == ["ack one", "ack two"]
        assert context.state.static_data.changes() == {"node:Start": {"last": "two"}}


def test_a_connection_that_breaks_and_what_cannot_be_recorded_end_it(starting) -> None:
    async def nothing(outputs) -> None:
        raise LookupError("it is another worker's by now")

    with far_line() as server:
        context = context_of(starting, "listens", port=server.server_address[1])
        with pytest.raises(LookupError):
            starting.wait_for(context.node.kind.listen(context, nothing))
    context = context_of(starting, "listens", port=1)
    with pytest.raises(NodeError, match="ECONNREFUSED"):
        starting.wait_for(context.node.kind.listen(context, nothing))


URLS = {"default": "http://here.example/webhook/x/webhook"}


def test_it_arranges_with_its_provider_once_and_takes_that_back(starting, far: str) -> None:
    context = context_of(starting, "hooked", provider=far)
    arrange = context.node.kind.arrange
    starting.wait_for(arrange(context, "create", URLS))
    assert context.state.static_data.changes() == {"node:Start": {"hook": URLS["default"]}}
    context.state.static_data.changed.clear()
    starting.wait_for(arrange(context, "create", {"default": "http://another.example"}))
    assert context.state.static_data.changes() == {}, "it is there already"
    starting.wait_for(arrange(context, "delete", URLS))
    assert context.state.static_data.changes() == {"node:Start": {}}
    refusing = context_of(starting, "hooked", provider=f"{far}/echo?refuse=")
    with pytest.raises(NodeError, match="too many webhooks"):
        starting.wait_for(arrange(refusing, "create", URLS))
    with pytest.raises(NodeError) as told:
        starting.wait_for(arrange(context_of(starting, "hooked", provider=f"{far}/status/403?"), "create", URLS))
    assert (told.value.message, told.value.description) == ("Request failed with status code 403", "status message")


def test_what_it_does_not_find_at_its_provider_is_taken_back_all_the_same(starting, far: str) -> None:
    """Many nodes say of none whether it is there, since their provider does not tell."""
    context = context_of(starting, "hooked", provider=f"{far}/echo?forgets=")
    for action, kept in (("create", {"hook": URLS["default"]}), ("delete", {})):
        starting.wait_for(context.node.kind.arrange(context, action, URLS))
        assert context.state.static_data.changes() == {"node:Start": kept}


def test_its_calls_say_what_they_are_for_and_code_that_computed_is_no_silent_provider(starting, monkeypatch) -> None:
    calls, subjects = [], []

    async def call(request, *_, subject, mode=ACTING, awaited=False, **more) -> None:
        calls.append((request["kind"], mode, awaited))
        subjects.append(subject)
        raise HostComputing("The node computed for long")

    monkeypatch.setattr(starting.host, "call", call)
    context = context_of(starting, "hooked", provider="http://here.example")
    with pytest.raises(ComputedTooLong) as told:
        starting.wait_for(context.node.kind.arrange(context, "create", URLS))
    assert "n8n-nodes-starting" in told.value.description
    document = workflow([node("Start", "n8n-nodes-starting.hooked")], id="w1")
    for awaited in (True, False):
        items = [{"json": {"webhookCall": {}}}]
        starting.run(document, mode="webhook", start_node="Start", items=items, ports=Ports(awaited=awaited))
    with pytest.raises(ComputedTooLong):
        starting.wait_for((line := context_of(starting, "listens")).node.kind.listen(line, None))
    assert calls[:3] == [("arrange", ARRANGING, False), ("webhook", ACTING, True), ("webhook", ACTING, False)]
    assert (calls[3], subjects[3]) == (("trigger", LISTENING, False), "w1 Start")


def test_where_it_is_called(starting) -> None:
    kind = starting.types.find("n8n-nodes-starting.hooked", 1)
    assert [(each["name"], each["responseMode"]) for each in kind.webhooks({}, 1)[:2]] == [
        ("setup", "onReceived"),
        ("default", "onReceived"),
    ]
    assert kind.webhooks({"mode": "lastNode"}, 1)[1]["responseMode"] == "lastNode"


BODY = {"n": 1}
STARTED = {"body": {"message": "Workflow was started"}}
FOUND = [{"body": BODY, "signed": '{"n": 1}s', "url": "u"}]
CALLS = [
    ({"name": "setup", "query": {"challenge": "c1"}}, None, {"status": 201, "headers": {"x-own": "yes"}, "text": "c1"}),
    ({"body": {"ignore": 1}}, None, STARTED),
    ({"body": {"say": "hi"}}, [{"body": {"say": "hi"}}], {"body": {"said": "hi"}}),
    ({"body": BODY}, FOUND, STARTED),
    ({"body": BODY, "responseMode": "lastNode"}, FOUND, None),
]


@pytest.mark.parametrize(("came", "expected", "answer"), CALLS)
def test_it_looks_at_a_call_and_answers_it(starting, came: dict, expected, answer) -> None:
    call = {
        "name": "default", "method": "POST", "path": "/x", "headers": {"x-sign": "s"}, "query": {}, "params": {},
        "rawBody": "eyJuIjogMX0=", "urls": {"default": "u"}, "body": {}, **came,
    }  # fmt: skip
    answers = []

    async def respond(given) -> None:
        answers.append(given)

    document = workflow([node("Start", "n8n-nodes-starting.hooked")], id="w1")
    items = [{"json": {"webhookCall": call}}]
    ports = Ports(respond=respond)
    outcome = starting.run(document, mode="webhook", start_node="Start", items=items, ports=ports)
    assert outcome.status == "success", outcome.error
    runs = outcome.data["resultData"]["runData"].get("Start")
    assert (runs and [item["json"] for item in runs[0]["data"]["main"][0]]) == expected
    assert answers == ([] if answer is None else [answer])


def test_files_of_a_form_are_read_from_where_they_lie_for_the_call(starting) -> None:
    def file(text: str, name: str | None = None) -> dict:
        data = base64.b64encode(text.encode()).decode()
        return {"data": data, "mimeType": "text/csv", **({} if name is None else {"fileName": name})}

    call = {
        "name": "default", "method": "POST", "path": "/x", "query": {},
        "headers": {"content-type": "multipart/form-data; boundary=b"},
        "params": {}, "rawBody": "", "body": {"data": {"n": "1"}},
        "files": {"upload": [file("a,b", "../rows.csv")], "more": [file("one"), file("two")]},
    }  # fmt: skip
    document = workflow([node("Start", "n8n-nodes-starting.hooked")], id="w1")
    items = [{"json": {"webhookCall": call}}]
    outcome = starting.run(document, mode="webhook", start_node="Start", items=items, ports=Ports())
    assert outcome.status == "success", outcome.error
    [item] = outcome.data["resultData"]["runData"]["Start"][0]["data"]["main"][0]
    filepath = Path(item["json"].pop("filepath"))
    assert item["json"] == {"size": 3, "several": ["one", "two"], "fields": {"n": "1"}, "kind": "multipart/form-data"}
    assert (item["binary"]["data"]["data"], item["binary"]["data"]["fileName"]) == ("YSxi", "rows.csv")
    wait_until(lambda: not filepath.exists())
