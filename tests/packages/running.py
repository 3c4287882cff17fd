"""Running workflows whose nodes are the sample package's, in a real package process."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.engine import nodes
from app.engine.run.ports import Ports
from app.engine.run.run import RunOutcome
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages.catalogue import read_package
from app.packages.host import Host
from app.packages.types import Installed, Packages
from tests.engine.histories import MemoryHistory
from tests.engine.running import Engine
from tests.workflows import START, chain, node

HERE = Path(__file__).parent
SAMPLE = HERE / "sample"

Json = dict[str, Any]


class PackageEngine(Engine):
    """An engine that knows the sample package too. `credentials` are by type what they hold."""

    def __init__(self, allowed: str = "", *, folder: Path = SAMPLE, **limits: Any) -> None:
        super().__init__()
        self.host = Host(folder, **limits)
        manifest = asyncio.run(read_package(folder))
        self.packages = Packages(self.host, [Installed(folder, manifest)])
        self.types = self.packages.node_types(nodes.load())
        self.outgoing = Outgoing(AddressRules.parse(allowed))
        self.credentials: dict[str, Json] = {}

    def close(self) -> None:
        self.wait_for(self.host.__aexit__(None, None, None))
        self.wait_for(self.outgoing.__aexit__(None, None, None))
        super().close()

    def run(self, workflow: Json, **request: Any) -> RunOutcome:
        async def read(credential_id: str, kind: str) -> Json | None:
            return self.credentials.get(kind)

        ports = request.pop("ports", None) or Ports(history=MemoryHistory())
        return super().run(workflow, ports=replace(ports, outgoing=self.outgoing, credentials=read), **request)

    def script(self, code: str, items: list[Json] | None = None, **parameters: Any) -> Any:
        """The json of the items that a program in the node Script gives, or the document of its error."""
        settings = parameters.pop("settings", {})
        outcome = self.run(workflow_of("script", {"code": code, **parameters}, items, **settings))
        run = outcome.data["resultData"]["runData"]["Node"][-1]
        return run["error"] if "error" in run else [item["json"] for item in run["data"]["main"][0]]


def workflow_of(kind: str, parameters: Json, items: list[Json] | None = None, **settings: Any) -> Json:
    """A workflow of a trigger with these items pinned, and one node of the sample package named Node."""
    named = {kind: {"id": "1", "name": kind} for kind in ("sampleApi", "tokenApi")}
    tried = node("Node", f"n8n-nodes-sample.{kind}", parameters, **{"credentials": named, **settings})
    pinned = {"Start": [{"json": item} for item in (items or [{"n": 1}])]}
    return chain(START, tried, id="w1", name="Sample", settings={"executionOrder": "v1"}, pinData=pinned)
