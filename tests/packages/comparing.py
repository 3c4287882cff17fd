"""Compares operations of n8n-nodes-base here with the same in a real n8n: requests, outputs, errors.

`REFERENCE=http://127.0.0.1:5678 REFERENCE_EMAIL=... REFERENCE_PASSWORD=... python -m tests.packages.comparing`, where
the package is installed already (`make check-packages` with ACCEPT_N8N_LICENSE=1). Each operation runs twice: the
service answers, and it refuses.
"""

import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.engine import nodes
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages.host import Host
from app.packages.types import Installed, Packages
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.packages.cache import added, cache_folder
from tests.templates.reference import Reference
from tests.workflows import START, chain, node

OPERATIONS = Path(__file__).parent / "operations.json"
"""Of types that let the address of their service be set, which is {far} there."""
BASE, VERSION = "n8n-nodes-base", "2.40.2"
Json = dict[str, Any]
HIDDEN = {"host", "connection", "user-agent", "content-length", "accept-encoding"}
"""Headers of the one who sends, and not of the node."""
ANSWER = {
    "ok": True, "id": 1, "data": [{"x": 1}], "list": [{"Id": 1}], "posts": [{"id": 2}], "result": {"r": 1},
    "message": {"m": 1}, "token": "t", "results": [{"r": 1}],
}  # fmt: skip
REFUSAL = {"message": "nope", "error": {"code": 7}}


class Service(BaseHTTPRequestHandler):
    """Writes down what it is asked; refuses below /fail."""

    protocol_version = "HTTP/1.1"
    asked: list[Json]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in HIDDEN}
        self.asked.append(
            {"method": self.command, "path": self.path, "headers": headers, "body": body.decode(errors="replace")}
        )
        refused = self.path.startswith("/fail")
        content = json.dumps(REFUSAL if refused else ANSWER).encode()
        self.send_response(404 if refused else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[tuple[str, list[Json]]]:
    """The service's address, and what it is asked."""
    handler = type("Handler", (Service,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()


class BaseEngine(Engine):
    """An engine whose action nodes are the package's, also where there are our own."""

    def __init__(self, far: str) -> None:
        super().__init__()
        package = added(BASE, VERSION, accepts=True)
        folder = cache_folder() / "packages" / f"{BASE}@{VERSION}"
        self.host = Host(folder)
        installed = Installed(folder / "node_modules" / BASE, package.manifest)
        self.types = Packages(self.host, [installed]).node_types(NodeTypes())
        own = nodes.load()
        manual = "n8n-nodes-base.manualTrigger"
        if manual not in self.types:
            self.types.add(own.find(manual, 1))
        self.outgoing = Outgoing(AddressRules.parse(far.removeprefix("http://")))

    def close(self) -> None:
        self.wait_for(self.host.__aexit__(None, None, None))
        super().close()

    def data_of(self, workflow: Json, credentials: Json) -> Json:
        async def read(credential_id: str, kind: str) -> Json | None:
            held: Json | None = credentials.get(kind)
            return held

        ports = Ports(history=MemoryHistory(), outgoing=self.outgoing, credentials=read)
        return self.run(workflow, ports=ports).data


def workflow_of(kind: str, version: float, parameters: Json, credentials: Json) -> Json:
    """A workflow of a trigger with two items pinned, and one node named Node."""
    compared = node("Node", kind, parameters, version, position=[200, 0], credentials=credentials)
    settings = {"executionOrder": "v1", "timezone": "UTC"}
    pinned = {"Start": [{"json": {"n": 1}}, {"json": {"n": 2}}]}
    return chain(START, compared, name=kind, settings=settings, pinData=pinned)


def result_of(data: Json) -> Json:
    """What is compared of a run: the items' json, or the error."""
    result = data["resultData"]
    runs = result["runData"].get("Node") or [{}]
    error = runs[-1].get("error") or result.get("error")
    if error:
        return {"error": {name: error.get(name) for name in ("message", "description", "httpCode")}}
    outputs = (runs[-1].get("data") or {}).get("main") or []
    return {"outputs": [[item.get("json") for item in output or []] for output in outputs]}


def main(only: Sequence[str]) -> int:
    equal = count = 0
    with serving() as (far, asked), tempfile.TemporaryDirectory() as folder:
        reference = Reference.from_environment(Path(folder) / "answers")
        engine = BaseEngine(far)
        for operation in json.loads(OPERATIONS.read_text()):
            kind, version, credentials = operation["type"], operation["version"], operation["credentials"]
            if only and kind not in only:
                continue
            for path in ("", "/fail") if credentials else ("",):
                given, held = json.loads(
                    json.dumps([operation["parameters"], credentials]).replace("{far}", far + path)
                )
                asked.clear()
                named = {name: {"id": "1", "name": name} for name in held}
                ours = result_of(engine.data_of(workflow_of(kind, version, given, named), held)), list(asked)
                asked.clear()
                named = {
                    name: {"id": reference.keep_credential(name, data), "name": name} for name, data in held.items()
                }
                theirs = result_of(reference.data_of(workflow_of(kind, version, given, named))), list(asked)
                count += 1
                equal += report(f"{kind} {path or 'answered'}", ours, theirs)
        engine.close()
    print(f"{equal} of {count} are equal: requests, outputs and errors")
    return int(equal < count)


def report(name: str, ours: tuple[Json, list[Json]], theirs: tuple[Json, list[Json]]) -> bool:
    sent = [sorted(each[1], key=lambda request: json.dumps(request, sort_keys=True)) for each in (ours, theirs)]
    same = ours[0] == theirs[0] and sent[0] == sent[1]
    print(f"{'equal' if same else 'DIFFERENT'}  {name}", flush=True)
    if not same:
        print(f"  here: {json.dumps([ours[0], sent[0]])[:1500]}\n  n8n:  {json.dumps([theirs[0], sent[1]])[:1500]}")
    return same


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
