"""Compares operations of n8n-nodes-base here with the same in a real n8n: requests, outputs, errors.

`python -m tests.packages.comparing [TYPE...]`, where the package is installed already (`make check-packages` with
ACCEPT_N8N_LICENSE=1). Each operation runs twice: the services answer, and they refuse. All hosts that a node calls are
one service here (tests/packages/far.py). What n8n did is in recorded.json; where N8N names the folder of an installed
n8n, that one is asked anew, and recorded.
"""

import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from app.engine import nodes
from app.engine.run.node_types import NodeTypes
from app.engine.run.ports import Ports
from app.outgoing import connections
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages import network
from app.packages.host import Host
from app.packages.types import Installed, Packages
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.packages import n8n
from tests.packages.cache import added, cache_folder
from tests.packages.far import Far, serving
from tests.packages.popular import popular_actions
from tests.templates.reference import Reference
from tests.workflows import START, chain, node

OPERATIONS = Path(__file__).parent / "operations.json"
"""What runs; {far} is the service's address, for types that let it be set."""
RECORDED = Path(__file__).parent / "recorded.json"
BASE, VERSION = "n8n-nodes-base", "2.40.2"
Json = dict[str, Any]
ANSWER = {
    "ok": True, "id": 1, "data": [{"x": 1}], "list": [{"Id": 1}], "posts": [{"id": 2}], "result": {"r": 1},
    "message": {"m": 1}, "token": "t", "results": [{"r": 1}],
}  # fmt: skip
"""What is answered where an operation does not say otherwise."""
TOKEN = {"clientId": "c", "clientSecret": "s", "oauthTokenData": {"access_token": "tok", "token_type": "Bearer"}}
"""A credential of OAuth 2 that has been connected, in operations.json: "oauth2"."""


class LocalRules(AddressRules):
    """Every name is known, and stands for this machine."""

    async def resolve(self, host: str, port: int) -> list[str]:
        return ["127.0.0.1"]


class BaseEngine(Engine):
    """An engine whose action nodes are the package's, also where there are our own, and whose world is the service."""

    def __init__(self, far: Far) -> None:
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
        self.outgoing = Outgoing(LocalRules())
        self._patches = ExitStack()
        self._lead_to(far)

    def _lead_to(self, far: Far) -> None:
        """Let all connections lead to the service, whose certificates are trusted."""
        connect, open_stream = connections.GuardedBackend.connect_tcp, network.open_stream

        async def connect_there(backend: Any, host: str, port: int, *given: Any, **more: Any) -> Any:
            return await connect(backend, host, far.port, *given, **more)

        async def open_there(rules: AddressRules, host: str, port: int) -> Any:
            return await open_stream(rules, host, far.port)

        self._patches.enter_context(mock.patch.object(connections.GuardedBackend, "connect_tcp", connect_there))
        self._patches.enter_context(mock.patch.object(network, "open_stream", open_there))
        self._patches.enter_context(mock.patch.dict(os.environ, {"SSL_CERT_FILE": str(far.certificate)}))

    def close(self) -> None:
        self._patches.close()
        self.wait_for(self.host.__aexit__(None, None, None))
        super().close()

    def data_of(self, workflow: Json, credentials: Json) -> Json:
        async def read(credential_id: str, kind: str) -> Json | None:
            held: Json | None = credentials.get(kind)
            return held

        ports = Ports(history=MemoryHistory(), outgoing=self.outgoing, credentials=read)
        return self.run(workflow, ports=ports).data


def workflow_of(operation: Json, credentials: Json) -> Json:
    """A workflow of a trigger with items pinned, and one node named Node."""
    kind, items = operation["type"], operation.get("items") or [{"n": 1}, {"n": 2}]
    given = (operation["parameters"], operation["version"])
    compared = node("Node", kind, *given, position=[200, 0], credentials=credentials)
    settings = {"executionOrder": "v1", "timezone": "UTC"}
    pinned = {"Start": [{"json": item} for item in items]}
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


def operations(only: Sequence[str]) -> Iterator[Json]:
    """Those of the file, of these types where some are named."""
    for operation in json.loads(OPERATIONS.read_text()):
        if not only or operation["type"] in only:
            yield operation


def name_of(operation: Json, refused: bool) -> str:
    """What an operation is called in the record."""
    words = [operation["type"], operation["version"], operation.get("case"), "refused" if refused else None]
    return " ".join(str(word) for word in words if word is not None)


def run_all(far: Far, only: Sequence[str], run: Callable[[Json, Json], Json]) -> Json:
    """{name: {result, asked}} of each operation, answered and refused; `run` gives the data of an execution."""
    found: Json = {}
    address = f"http://127.0.0.1:{far.port}"
    for operation in operations(only):
        given = json.loads(json.dumps(operation).replace("{far}", address))
        held = {kind: TOKEN if data == "oauth2" else data for kind, data in given["credentials"].items()}
        far.answers = {"": ANSWER, **given.get("answers", {})}
        for far.refuses in (False, True):
            far.take()
            data = run(given, held)
            made = {"result": result_of(data), "asked": far.take()}
            if far.refuses and not made["asked"]:
                continue
            found[name_of(operation, far.refuses)] = json.loads(json.dumps(made).replace(address, "{far}"))
    return found


def ours(far: Far, only: Sequence[str]) -> Json:
    engine, numbers = BaseEngine(far), itertools.count()

    def run(operation: Json, held: Json) -> Json:
        # A credential of its own for each: tokens that one has fetched are kept.
        named = {name: {"id": str(next(numbers)), "name": name} for name in held}
        return engine.data_of(workflow_of(operation, named), held)

    try:
        return run_all(far, only, run)
    finally:
        engine.close()


def theirs(far: Far, only: Sequence[str], reference: Reference) -> Json:
    def run(operation: Json, held: Json) -> Json:
        named = {name: {"id": reference.keep_credential(name, data), "name": name} for name, data in held.items()}
        return reference.data_of(workflow_of(operation, named))

    return run_all(far, only, run)


def main(only: Sequence[str]) -> int:
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as far:
        if where := os.environ.get("N8N"):
            with n8n.started(Path(where).expanduser().resolve(), far, Path(folder)) as reference:
                recorded = {**(recorded if only else {}), **theirs(far, only, reference)}
            RECORDED.write_text(json.dumps(dict(sorted(recorded.items())), indent=1, ensure_ascii=False) + "\n")
        found = ours(far, only)
    equal = {name for name in found if report(name, found[name], recorded.get(name))}
    print(f"{len(equal)} of {len(found)} are equal: requests, outputs and errors")
    report_types({name for name in equal if "outputs" in found[name]["result"]}, only)
    return int(len(equal) < len(found))


def report(name: str, here: Json, there: Json | None) -> bool:
    same = here == there
    print(f"{'equal' if same else 'DIFFERENT'}  {name}", flush=True)
    if not same:
        print(f"  here: {json.dumps(here)[:1500]}\n  n8n:  {json.dumps(there)[:1500]}")
    return same


def report_types(equal: set[str], only: Sequence[str]) -> None:
    """Of how many of the types that templates use most an operation has succeeded, equal to n8n's."""
    if only:
        return
    kinds = {name.partition(" ")[0] for name in equal}
    popular = [kind.removeprefix(f"{BASE}.") for kind in popular_actions()]
    print(f"{len(kinds)} types, of them {len(kinds & set(popular))} of the {len(popular)} that templates use most")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
