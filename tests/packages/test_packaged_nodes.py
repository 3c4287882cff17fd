"""Built-in node types that the operator leaves to a package."""

import json
from pathlib import Path

import pytest

from app.engine import nodes
from app.engine.run.node_types import NodeTypes
from app.own_types import own_types
from app.settings import Settings
from app.settings.packaged_nodes import BASE, CAN_BE_PACKAGED
from app.worker.exchange import has_packaged_nodes
from tests.packages.running import PackageEngine
from tests.workflows import START, chain, node

XML = """exports.Xml = class {
  description = { displayName: 'XML', name: 'xml', group: ['transform'], version: 1, properties: [],
    inputs: ['main'], outputs: ['main'] };
  async execute() { return [[{ json: { of: 'the package' } }]] }
};"""


@pytest.mark.parametrize("told", ["", "xml, n8n-nodes-base.html"])
def test_our_own_type_runs_unless_the_setting_names_it(tmp_path: Path, told: str) -> None:
    described = {"name": "n8n-nodes-base", "version": "1.0.0", "n8n": {"nodes": ["Xml.node.js"]}}
    (tmp_path / "package.json").write_text(json.dumps(described))
    (tmp_path / "Xml.node.js").write_text(XML)
    settings = Settings.from_environment({"DATABASE_URL": "postgresql://x/y", "EXECUTIONS_PACKAGED_NODES": told})
    engine = PackageEngine(folder=tmp_path)
    engine.types = own_types(settings)
    engine.types.further = engine.packages.node_types(NodeTypes())
    reading = node("Node", "xml", {"dataPropertyName": "data", "options": {}})
    document = chain(START, reading)
    outcome = engine.run(document, items=[{"json": {"data": "<of>us</of>"}}])
    engine.close()
    assert outcome.error is None
    [item] = outcome.data["resultData"]["runData"]["Node"][0]["data"]["main"][0]
    assert item["json"] == {"of": "the package" if told else "us"}
    assert engine.types.find("n8n-nodes-base.html", 1).installed == (not told)
    assert has_packaged_nodes(document, engine.types) == bool(told), "which may ask for static data"
    for tool in ("xml", "xmlTool"):
        packaged = engine.types.further.find(f"n8n-nodes-base.{tool}", 1)
        assert (engine.types.find(f"n8n-nodes-base.{tool}", 1).run is packaged.run) == bool(told), tool


def test_what_can_be_left_to_a_package_is_built_in() -> None:
    known = nodes.load().versions()
    assert {BASE + name for name in CAN_BE_PACKAGED} <= known.keys()
