"""HTTP Request does with every answer what n8n did; the cases were recorded against `far_side`, as it runs here.

Of an error, the description is compared, too, except V8's own words about JSON that is no JSON (`*-bad`).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.run.ports import Ports
from app.outgoing.addresses import AddressRules
from app.outgoing.client import Outgoing
from tests.conformance.test_conformance import seen
from tests.engine.nodes import far_side
from tests.engine.running import Engine

RECORDED_AT = "127.0.0.1:18790"
CASES = sorted((Path(__file__).parents[2] / "conformance" / "recorded_http").glob("*.json"))
VOLATILE = frozenset({"date", "server", "stack"})


def comparable(value: Any) -> Any:
    """Without what differs from run to run."""
    if isinstance(value, dict):
        return {key: comparable(entry) for key, entry in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [comparable(entry) for entry in value]
    return re.sub(r"----?[-\w.]*BOUNDARY|BOUNDARY", "BOUNDARY", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    with far_side.running() as address:
        yield address.removeprefix("http://")


@pytest.fixture(scope="module")
def outgoing(engine: Engine, here: str) -> Iterator[Outgoing]:
    """One client for all, as a worker has."""
    client = Outgoing(AddressRules.parse(f"{here},127.0.0.1:1"))
    yield client
    engine.wait_for(client.__aexit__(None, None, None))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in CASES])
def test_case(path: Path, engine: Engine, here: str, outgoing: Outgoing) -> None:
    case = json.loads(path.read_text().replace(RECORDED_AT, here))
    outcome = engine.run(case["workflow"], mode="test", start_node="Start", ports=Ports(outgoing=outgoing))
    expected = case["expected"]
    if expected["error"] is not None:
        description = expected["error"]["description"]
        if not path.stem.endswith("-bad"):
            assert outcome.data["resultData"]["error"].get("description") == description
        expected["error"] = {key: expected["error"][key] for key in ("message", "node")}
    got = json.loads(json.dumps(seen(outcome.data, outcome.status)))
    assert comparable(got) == comparable(expected)
