"""Workflows in n8n's order from before 1.0 run node by node as they did there; README.md beside this file has more."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.running import Engine

CASES = sorted((Path(__file__).parent / "recorded_order").glob("*.json"))


def seen(data: dict[str, Any], status: str) -> dict[str, Any]:
    """A run as these cases write it down: each run of a node, in their order, with what it got its items from."""
    result = data["resultData"]
    runs = [(name, each) for name, every in result["runData"].items() for each in every]
    return {
        "status": status,
        "last": result["lastNodeExecuted"],
        "runs": [
            {
                "node": name,
                "status": each["executionStatus"],
                "source": [source and list(source.values()) for source in each["source"]],
                "out": [[item["json"] for item in output or []] for output in each["data"]["main"]],
            }
            for name, each in sorted(runs, key=lambda pair: pair[1]["executionIndex"])
        ],
    }


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_case(path: Path, engine: Engine) -> None:
    case = json.loads(path.read_text())
    outcome = engine.run(case["workflow"], mode="test", start_node="Start")
    assert json.loads(json.dumps(seen(outcome.data, outcome.status))) == case["expected"]
