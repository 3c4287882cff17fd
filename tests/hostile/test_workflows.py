"""Workflows that nobody writes in good faith, on a worker that runs: each is refused with a 4xx or its execution ends
with a state on record; the same worker and API do the next one, and give back the memory that it took.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import psutil
import pytest

from tests import live
from tests.live import LiveServer
from tests.patience import wait_until
from tests.postgres import cloned_database
from tests.workflows import code, no_op, node, set_field, stored

pytestmark = pytest.mark.slow

MAX_GROWTH = 250 * 2**20  # bytes, of the worker or of the API, over all of this
ENDED = {"success", "error", "canceled"}


class Deployment(NamedTuple):
    server: LiveServer
    worker: Any
    memory: dict[str, int]
    seen: Counter[str]
    """How often each of HOSTILE has run."""


@pytest.fixture(scope="module")
def deployment(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with cloned_database(postgres_url) as url:
        home = tmp_path_factory.mktemp("home")
        server, worker = live.start_server(url, home), live.start_worker(url, home)
        made = Deployment(server, worker, {}, Counter())
        well(made)
        made.memory.update(worker=memory(worker.pid), api=memory(server.child.pid))
        yield made
        worker.stop()
        server.child.stop()


def memory(pid: int) -> int:
    """Bytes in memory of a process and all below it."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(process.memory_info().rss for process in processes)


def one(kind: str, version: float = 1, parameters: dict | None = None, **more: Any) -> bytes:
    return stored(node("It", kind, parameters, version, **more))


def returns(expression: str) -> bytes:
    return stored(code(f"return [{{json: {{value: {expression}}}}}]"), no_op())


def row(length: int) -> bytes:
    names = [f"N{number}" for number in range(length)]
    return stored(*(no_op(name) for name in names))


BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{BOMB}]><x>&l9;</x>'
HOSTILE: dict[str, bytes] = {
    "10,000 nodes in a row": row(10_000),
    "2,000 nodes at one output": stored(
        *(node(f"N{n}", "noOp") for n in range(2_000)), lines=[("Start", f"N{n}") for n in range(2_000)]
    ),
    "a cycle that its timeout ends": stored(
        node("A", "noOp"), node("B", "noOp"), lines=[("Start", "A"), ("A", "B"), ("B", "A")], executionTimeout=0.1
    ),
    "a loop of no size": one("splitInBatches", 3, {"batchSize": 0}),
    "a loop of negative size": one("splitInBatches", 3, {"batchSize": -1}),
    "a loop of 1e308": one("splitInBatches", 3, {"batchSize": 1e308}),
    "a timeout of 1e308": stored(no_op("A"), executionTimeout=1e308),
    "a timeout below zero": stored(no_op("A"), executionTimeout=-1e308),
    "a timeout of words": stored(no_op("A"), executionTimeout="soon"),
    "a timezone of nowhere": stored(no_op("A"), timezone="Mars/Olympus"),
    "1e308 tries": one("stopAndError", 1, {"errorMessage": "x"}, retryOnFail=True, maxTries=1e308, waitBetweenTries=0),
    "a wait of 1e308 seconds": one("wait", 1.1, {"resume": "timeInterval", "amount": 1e308, "unit": "days"}),
    "a wait below zero": one("wait", 1.1, {"resume": "timeInterval", "amount": -1e308, "unit": "days"}),
    "a wait till never": one("wait", 1.1, {"resume": "specificTime", "dateTime": "+999999-99-99"}),
    "a name of a megabyte": stored(node("x" * 2**20, "noOp"), lines=[("Start", "x" * 2**20)]),
    "a field of a megabyte": stored(set_field("x" * 2**20, "y"), no_op()),
    "a path 5,000 deep": stored(set_field(".".join(["a"] * 5_000), "y"), no_op()),
    "a path of brackets": stored(set_field("[" * 5_000, "y"), no_op()),
    "an index of 1e9": stored(set_field("a[999999999]", "y"), no_op()),
    "an expression of a megabyte": stored(set_field("a", "={{ 1" + " + 1" * 250_000 + " }}"), no_op()),
    "an expression 10,000 deep": stored(set_field("a", "={{ " + "(" * 10_000 + "1" + ")" * 10_000 + " }}"), no_op()),
    "10,000 expressions": stored(set_field("a", "={{ 1 }}" * 10_000), no_op()),
    "a text of a gigabyte": stored(set_field("a", "={{ 'x'.repeat(2 ** 30) }}"), no_op()),
    "a text of 500 MB": stored(set_field("a", "={{ 'x'.repeat(5e8) }}"), no_op()),
    "a value without an end": returns("(() => { const a = {}; a.a = a; return a })()"),
    "a value 100,000 deep": returns("(() => { let a = {}; for (let n = 0; n < 1e5; n++) a = {a}; return a })()"),
    "a value 300 deep": returns("(() => { let a = {}; for (let n = 0; n < 300; n++) a = {a}; return a })()"),
    "memory without an end": stored(code("const a = []; for (;;) a.push(new Array(1e6).fill(1.5))")),
    "20 MB in one value": returns("'x'.repeat(2e7)"),
    "30,000 items": stored(code("return Array.from({length: 3e4}, (_, n) => ({json: {n}}))"), no_op("A"), no_op("B")),
    "NUL and half a character": returns("'\\u0000\\ud800'"),
    "names of NUL and half a character": returns("{'\\u0000': 1, '\\udfff': 2, '': 3, '__proto__': 4}"),
    "numbers that are none": returns("[NaN, Infinity, -Infinity, -0, 1e308 * 10, 5e-324, 2 ** 53 + 1]"),
    "a number beyond 64 bits": returns("12345678901234567890123456789n"),
    "what cannot be told": returns("[undefined, () => 1, Symbol('x'), new Proxy({}, {ownKeys() { throw 1 }})]"),
    "a value that throws": returns("({toJSON() { throw new Error('no') }, get a() { throw 1 }})"),
    "everything's prototype": stored(code("Object.prototype.json = 1; Array.prototype.map = null; return []"), no_op()),
    "a billion laughs": stored(
        node("Text", "set", 3.4, {"mode": "raw", "jsonOutput": orjson.dumps({"data": LAUGHS}).decode()}),
        node("Xml", "xml", 1, {"mode": "xmlToJson"}),
        lines=[("Start", "Text"), ("Text", "Xml")],
    ),
    "markup 10,000 deep": stored(
        node("Text", "code", 2, {"jsCode": "return [{json: {data: '<a>'.repeat(1e4) + '</a>'.repeat(1e4)}}]"}),
        node("Xml", "xml", 1, {"mode": "xmlToJson"}),
        node("Html", "html", 1.2, {"operation": "extractHtmlContent", "extractionValues": {"values": [{"key": "a"}]}}),
        lines=[("Start", "Text"), ("Text", "Xml"), ("Text", "Html")],
    ),
    "an address of NUL and line ends": one("httpRequest", 4.2, {"url": "http://127.0.0.1:1/\r\nX: y\0"}),
    "an address of a megabyte": one("httpRequest", 4.2, {"url": "http://127.0.0.1:1/" + "x" * 2**20}),
    "a year of 1e9": one("dateTime", 2, {"operation": "addToDate", "magnitude": "2026-01-01", "duration": 1e9}),
    "a limit of words": one("limit", 1, {"maxItems": "NaN"}),
    "a limit of 1e308": one("limit", 1, {"maxItems": 1e308, "keep": "lastItems"}),
    "a merge of itself": stored(
        node("A", "merge", 3, {"mode": "combine", "combineBy": "combineAll", "numberInputs": 1e308}),
        lines=[("Start", "A"), ("A", "A")],
        executionTimeout=0.1,
    ),
    "parameters of another kind": one("set", 3.4, {"assignments": [[[]]], "options": 7}),
    "parameters that are none": one("if", 2.2, {"conditions": {"conditions": [None, 1, {"operator": []}]}}),
    "a version of 1e308": one("set", 1e308),
    "an unknown output of a node": stored(no_op("A")).replace(b'"main":[[{"node":"A"', b'"main":[[],[],[{"node":"A"'),
    "itself as a sub-workflow": one("executeWorkflow", 1.2, {"source": "database", "workflowId": "SELF"}),
    "pinned to what is none": orjson.dumps(
        {**orjson.loads(stored(no_op())), "pinData": {"Done": [1, None, {"json": 7}], "Nobody": {}}}
    ),
}


def saved(server: LiveServer, document: bytes) -> str | None:
    """The id of the workflow, None when it is refused as it should be."""
    answer = server.post("/api/v1/workflows", b'{"name":"Hostile",' + document[1:])
    assert answer.status in (200, 400, 413), answer
    return answer.body["id"] if answer.status == 200 else None


def outcome(server: LiveServer, workflow_id: str) -> str | None:
    """How a run ends, if need be because it is stopped while it waits; None when it is refused."""
    answer = server.post(f"/api/v1/workflows/{workflow_id}/run", {"wait": 1})
    assert answer.status in (200, 400), answer
    if answer.status == 400:
        return None
    number = answer.body["id"]

    def status() -> str:
        return server.get(f"/api/v1/executions/{number}").body["status"]

    wait_until(lambda: status() not in ("new", "running"), pause=0.1)
    answer = server.get(f"/api/v1/executions/{number}")
    if answer.body["status"] == "waiting":
        assert server.post(f"/api/v1/executions/{number}/stop").status == 200
    answer = server.get(f"/api/v1/executions/{number}?includeData=true")
    assert answer.status == 200
    return answer.body["status"]


def well(deployment: Deployment) -> None:
    """Both still do what they are for, at once."""
    workflow = saved(deployment.server, stored(set_field("a", "={{ 1 + 1 }}"), no_op()))
    assert workflow is not None
    assert outcome(deployment.server, workflow) == "success"
    deployment.worker.check()
    deployment.server.child.check()


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_or_its_end_is_on_record(deployment, name) -> None:
    document = HOSTILE[name]
    deployment.seen[name] += 1
    workflow = saved(deployment.server, document)
    if workflow is not None and b"SELF" in document:
        changed = b'{"name":"Hostile",' + document[1:].replace(b"SELF", workflow.encode())
        assert deployment.server.call("PUT", f"/api/v1/workflows/{workflow}", changed).status == 200
    if workflow is not None:
        assert outcome(deployment.server, workflow) in {None, *ENDED}
        assert deployment.server.post(f"/api/v1/workflows/{workflow}/activate").status in (200, 400, 409)


ENDLESS = {
    "a cycle": stored(node("A", "noOp"), lines=[("Start", "A"), ("A", "A")]),
    "a program": stored(code("for (;;) {}")),
    "a program that waits": stored(code("await new Promise(() => {})")),
    "a slow pattern": stored(set_field("a", "={{ /^(a+)+$/.test('a'.repeat(40) + 'b') }}")),
}


@pytest.mark.parametrize("document", ENDLESS.values(), ids=ENDLESS)
def test_what_has_no_end_can_be_stopped(deployment, document) -> None:
    server, workflow = deployment.server, saved(deployment.server, document)
    number = server.post(f"/api/v1/workflows/{workflow}/run", {"wait": 0.1}).body["id"]
    assert server.post(f"/api/v1/executions/{number}/stop").body["status"] == "canceled"
    well(deployment)


@pytest.mark.parametrize("depth", [100, 900, 5_000])
def test_input_of_any_depth(deployment, depth) -> None:
    workflow = saved(deployment.server, stored(no_op()))
    body = b'{"wait": 60, "input": [{"a": ' + b"[" * depth + b"]" * depth + b"}]}"
    answer = deployment.server.post(f"/api/v1/workflows/{workflow}/run", body)
    assert answer.status == 400 or answer.body["status"] in ENDED


GREEDY = ["memory without an end", "a text of 500 MB", "20 MB in one value", "30,000 items", "memory without an end"]


@pytest.fixture(scope="module")
def ravaged(deployment: Deployment) -> Deployment:
    """After those that want most of memory, each as often as GREEDY names it, here or in a test before."""
    for name in (Counter(GREEDY) - deployment.seen).elements():
        workflow = saved(deployment.server, HOSTILE[name])
        assert workflow is not None
        assert outcome(deployment.server, workflow) in {None, *ENDED}
    return deployment


def test_all_are_well_afterwards_and_have_given_the_memory_back(ravaged) -> None:
    well(ravaged)
    for name, pid in (("worker", ravaged.worker.pid), ("api", ravaged.server.child.pid)):
        grown = memory(pid) - ravaged.memory[name]
        print(f"{name}: {ravaged.memory[name] / 2**20:.0f} MiB, grown by {grown / 2**20:.0f} MiB")
        assert grown < MAX_GROWTH, name
    assert "engine failed" not in Path(ravaged.worker.log).read_text()
    assert "unexpected error" not in Path(ravaged.server.child.log).read_text()


def sandbox_kills(server: LiveServer) -> float:
    lines = server.get("/metrics").body.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("executions_sandbox_kills_total "))


def test_sandboxes_that_were_killed_are_counted(ravaged) -> None:
    # For what they wanted of memory; the worker tells of them with its next heartbeat.
    wait_until(lambda: sandbox_kills(ravaged.server) >= 2, lambda: sandbox_kills(ravaged.server), pause=0.2)
