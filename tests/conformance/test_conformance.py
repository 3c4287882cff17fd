"""Every recorded workflow does here what it did in n8n; README.md beside this file says what equal means."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.running import Engine

HERE = Path(__file__).parent
CASES = sorted([*(HERE / "cases").glob("*.json"), *(HERE / "recorded").glob("*.json")])

NEXT: frozenset[str] = frozenset()


def seen(data: dict[str, Any], status: str) -> dict[str, Any]:
    """A run as the cases write it down."""
    result = data["resultData"]
    runs = [(name, each) for name, every in result["runData"].items() for each in every]
    error = result.get("error")
    return {
        "status": status,
        "lastNodeExecuted": result.get("lastNodeExecuted"),
        "nodes": {
            name: [
                {
                    "status": each["executionStatus"],
                    "outputs": [
                        [item["json"] for item in output or []] for output in (each.get("data") or {}).get("main") or []
                    ],
                }
                for each in every
            ]
            for name, every in result["runData"].items()
        },
        "order": [name for name, _ in sorted(runs, key=lambda pair: pair[1]["executionIndex"])],
        "error": error and {"message": error["message"], "node": (error.get("node") or {}).get("name")},
    }


def without_laxness(case: str, value: Any) -> Any:
    """For the sandbox case: what n8n leaves visible as an object may be undefined here."""
    if case != "expr-sandbox":
        return value
    return json.loads(json.dumps(value).replace("object", "undefined").replace("function", "undefined"))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_case(path: Path, engine: Engine, request: pytest.FixtureRequest) -> None:
    case = json.loads(path.read_text())
    if path.stem in NEXT:
        request.applymarker(pytest.mark.xfail(strict=True, reason="not equal yet"))
    outcome = engine.run({"settings": {"executionOrder": "v1"}, **case["workflow"]}, mode="test", start_node="Start")
    expected = case["expected"]
    if expected["status"] == "rejected":
        assert outcome.status == "error"
        assert outcome.data["resultData"]["runData"] == {}
        return
    if expected["error"] is not None:
        expected["error"] = {key: expected["error"][key] for key in ("message", "node")}
    got = json.loads(json.dumps(seen(outcome.data, outcome.status)))
    assert without_laxness(path.stem, got) == without_laxness(path.stem, expected)
