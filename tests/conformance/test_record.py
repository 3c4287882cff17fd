"""A case is made of what the API says of an execution; ours says it as n8n's does."""

import json

from tests.conformance.record import case_of
from tests.conformance.test_conformance import HERE
from tests.engine.running import Engine


def test_what_the_api_says_of_an_execution_becomes_the_case(engine: Engine) -> None:
    case = json.loads((HERE / "cases" / "always-output.json").read_text())
    outcome = engine.run(case["workflow"], mode="test", start_node="Start")
    execution = json.loads(json.dumps({"id": "7", "status": outcome.status, "data": outcome.data}))
    assert case_of("always-output", case["workflow"], execution) == case
