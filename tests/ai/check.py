"""Runs the recorded cases with the real package of n8n's AI nodes: `python -m tests.ai.check FOLDER [NAME...]`.

FOLDER is the node_modules in which `@n8n/n8n-nodes-langchain` is installed, whose licence whoever runs this has
accepted. A case is equal when the run data are, as tests/ai/seen.py writes them down.
"""

import asyncio
import difflib
import json
import os
import sys
from pathlib import Path
from typing import Any

from app.engine import nodes
from app.engine.run.children import run_document
from app.engine.run.ports import ChildOutcome, ChildRequest, Ports
from app.engine.run.run import RunRequest, run_workflow
from app.engine.sandbox import Sandbox
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages.catalogue import read_package
from app.packages.host import Host
from app.packages.manifest import Manifest
from app.packages.types import Installed, Packages
from tests.ai import server
from tests.ai.chats import Chats
from tests.ai.seen import seen

RECORDED_AT = ("http://127.0.0.1:5791", "http://127.0.0.1:5792")
PACKAGE = "@n8n/n8n-nodes-langchain"
CASES = Path(__file__).parents[1] / "conformance" / "recorded_ai"


async def check(folder: Path, names: list[str]) -> int:
    """Run the cases and print what differs; how many do."""
    manifest = await _manifest(folder / PACKAGE)
    different = 0
    with server.running() as (address, _):
        async with Sandbox() as sandbox, Host(folder, memory_mb=1024) as host:
            types = Packages(host, [Installed(folder / PACKAGE, manifest)]).node_types(nodes.load())

            async def read(credential_id: str, kind: str) -> dict[str, Any] | None:
                return {"apiKey": "sk-none", "url": f"{address}/v1"} if kind == "openAiApi" else None

            async def run_child(ports: Ports, request: ChildRequest) -> ChildOutcome:
                return await run_document(request, ports, sandbox, types)

            outgoing = Outgoing(AddressRules.parse(address.removeprefix("http://")))
            for path in sorted(CASES.glob("*.json")):
                text = path.read_text()
                for place in RECORDED_AT:
                    text = text.replace(place, address)
                case = json.loads(text)
                if names and case["name"] not in names:
                    continue
                workflow = {**case["workflow"], "id": case["name"]}
                for node in workflow["nodes"]:
                    if "penAi" in node["type"]:
                        node["credentials"] = {"openAiApi": {"id": "1", "name": "Scripted"}}
                ports = Ports(outgoing=outgoing, credentials=read, run_child=run_child, chat_memory=Chats())
                request = RunRequest("1", "test", workflow, "Start", ports=ports)
                outcome = await run_workflow(request, sandbox, types)
                different += _report(case, seen(outcome.data, outcome.status))
    return different


def _report(case: dict[str, Any], got: dict[str, Any]) -> bool:
    if got == case["expected"]:
        print(f"equal    {case['name']}")
        return False
    print(f"DIFFERS  {case['name']}")
    texts = [json.dumps(each, indent=1, sort_keys=True).splitlines() for each in (case["expected"], got)]
    for line in list(difflib.unified_diff(*texts, "n8n", "here", lineterm="", n=2))[:60]:
        print(f"    {line[:300]}")
    return True


async def _manifest(folder: Path) -> Manifest:
    kept = os.environ.get("MANIFEST")
    if kept and Path(kept).exists():
        return Manifest.from_json(Path(kept).read_bytes())
    return await read_package(folder)


if __name__ == "__main__":
    sys.exit(min(1, asyncio.run(check(Path(sys.argv[1]).resolve(), sys.argv[2:]))))
