"""Workflows whose nodes hang on each other, and an engine that has the nodes of the scripted package for it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

from app.engine import nodes
from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from app.packages.catalogue import read_package
from app.packages.host import Host
from app.packages.types import Installed, Packages
from tests.engine.running import Engine
from tests.workflows import START, attach, chain, node

FOLDER = Path(__file__).parents[1] / "ai" / "package"
KIND = "n8n-nodes-scripted-ai."
ITEMS = [{"json": {"q": "one"}}, {"json": {"q": "two"}}]
ASSISTANT = node("Assistant", KIND + "assistant", {"text": "={{ $json.q }}"})


class AiEngine(Engine):
    def __init__(self):
        super().__init__()
        self.host = Host(FOLDER)
        manifest = asyncio.run(read_package(FOLDER))
        self.types = Packages(self.host, [Installed(FOLDER, manifest)]).node_types(nodes.load())
        self.outgoing = Outgoing(AddressRules.parse(""))

    def close(self):
        self.wait_for(self.host.__aexit__(None, None, None))
        self.wait_for(self.outgoing.__aexit__(None, None, None))
        super().close()

    def run(self, workflow, **request):
        ports = replace(request.pop("ports", None) or Ports(), outgoing=self.outgoing)
        return super().run(workflow, ports=ports, **request)


def model(lines, name="Model"):
    return node(name, KIND + "model", {"lines": json.dumps(lines)})


def lookup(**parameters):
    return node("Lookup", KIND + "lookupTool", {"toolDescription": "Looks up", **parameters})


def hung(root, *hanging):
    """Start, the root and what hangs on it: (node, type of connection)."""
    document = chain(START, root)
    for each, kind, *target in hanging:
        document["nodes"].append(each)
        attach(document, (each["name"], kind, target[0] if target else root["name"]))
    return document


def uses(outcome, name):
    """The runs of a sub-node: what it was given, and what came of it."""
    runs = outcome.data["resultData"]["runData"][name]
    shown = []
    for run in runs:
        [(kind, given)] = run["inputOverride"].items()
        came = run["error"]["message"] if "error" in run else run["data"][kind][0][0]["json"]
        shown.append((kind, given[0][0]["json"], came))
    return shown
